"""A package by name: some libraries install one that is called `tests`, too."""
