"""Tracing and performance evidence for rustybt."""
