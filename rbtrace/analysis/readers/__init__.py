"""Readers, one module per format; `rbtrace.analysis.loading` chooses among them."""
