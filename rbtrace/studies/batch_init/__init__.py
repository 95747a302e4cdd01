"""The study of batch initialisation: how it grows with assets and bars."""
