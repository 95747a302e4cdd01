"""The analyses in SQL, for spans that are in a database: see `engine`."""
