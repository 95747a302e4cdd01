"""The study of parallel search: what more workers give, and what they cost."""
