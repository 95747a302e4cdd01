"""The analyses that can be told in SQL, for spans that are in a database: see `engine`."""
