"""Aggregate hot calls: a tree of counted and timed calls beneath each span."""
