"""A program that works long enough for some samples."""

from __future__ import annotations

import time

import rbtrace


@rbtrace.traced
def spin():
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        pass


def main():
    spin()


if __name__ == "__main__":
    main()
