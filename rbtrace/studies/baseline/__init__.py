"""The study of backtests by three profilers: which functions take the time."""
