"""A program with a module of its own named rbtrace."""

import rbtrace

print(rbtrace.trace_ray(3))
