"""Studies of heavy operations on the real engine: measured in fresh processes, kept, reported.

`rbtrace scenario NAME` runs them. A study is a module and a row in `catalogue.py`: it says which
cases there are, how one is measured, and what the measurements say.
"""
