"""The module of the program: nobody else may import it."""

VALUE = 5
