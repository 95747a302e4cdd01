"""Comparing two arms: first the work they did, then the time they took."""
