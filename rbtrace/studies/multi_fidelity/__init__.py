"""The study of multi-fidelity search against grid and random search."""
