"""A module of the program with the name of another: it raises if it is imported."""

raise RuntimeError("this is not the module you want")
