"""Deep profilers for one block or one call: every function, every line, all memory.

They are used through `rbtrace.sampling`.
"""
