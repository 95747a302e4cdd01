"""Tracing rustybt: the table of traced methods, and how and when they are wrapped."""
