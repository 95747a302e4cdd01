"""The study of parallel search: what more workers buy, and what they cost."""
