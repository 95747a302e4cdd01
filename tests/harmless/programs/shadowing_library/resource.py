"""A module of the program with the name of another."""

VALUE = 5
