"""Measuring commands in fresh processes that take turns, and keeping what was measured."""
