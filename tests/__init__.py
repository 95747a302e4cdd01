"""The tests, and what maintainers measure: `tests.benchmarks`."""
