"""Flame graphs: samples or spans as one `Profile`, what is selected of it, and its formats."""
