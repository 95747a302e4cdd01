"""The study of where the time and the memory of a backtest go."""
