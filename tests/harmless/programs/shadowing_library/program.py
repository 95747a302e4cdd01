"""A program beside modules named as libraries that tracing imports late: it must not be hurt."""

import os
import sys

import rbtrace

with rbtrace.span("main"):
    pass

import resource

print(resource.VALUE)
sys.stdout.flush()
if not (pid := os.fork()):
    with rbtrace.span("child"):
        os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
