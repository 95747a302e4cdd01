"""Carry the current span to work that runs elsewhere: threads, processes, tasks, programs."""
