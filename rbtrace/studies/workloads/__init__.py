"""Backtests and searches on the real engine and real prices, which studies and benchmarks run."""
