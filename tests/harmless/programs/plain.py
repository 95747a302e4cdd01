"""Options of the interpreter, and other ways to start a program."""

import gc
import sys

import rbtrace


@rbtrace.traced
def work(calls=3):
    return sum(hot(number) for number in range(calls))


@rbtrace.traced(hot=True)
def hot(number):
    return number + 1


if __name__ == "__main__":
    with rbtrace.span("main"):
        print(work(), __debug__, sys.argv[1:], gc.isenabled())
        assert work()
