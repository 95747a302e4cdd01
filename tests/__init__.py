"""The tests, and what maintainers measure: a package, for libraries install one of that name."""
