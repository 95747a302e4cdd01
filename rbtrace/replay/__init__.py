"""Sending kept span files to a collector, later, and as often as it takes."""
