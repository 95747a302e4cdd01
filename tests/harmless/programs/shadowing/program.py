"""A program beside modules named as those that tracing imports late."""

import os
import sys

import rbtrace

with rbtrace.span("main"):
    import settings

    print(settings.VALUE)


def child():
    with rbtrace.span("child"):
        pass


sys.stdout.flush()
if not (pid := os.fork()):
    child()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
