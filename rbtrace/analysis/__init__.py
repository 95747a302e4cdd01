"""From trace files to figures: readers, the table of spans, and one module per analysis."""
