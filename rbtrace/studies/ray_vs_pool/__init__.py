"""The study of Ray against multiprocessing."""
