"""Workloads on the real engine and real prices: the demo, the benchmarks and what they share.

Nothing here imports the recording half: these are ordinary rustybt programs, and a program is
traced from outside, by `RBTRACE_ENABLED=1`.
"""
