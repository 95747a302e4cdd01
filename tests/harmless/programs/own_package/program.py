"""A program with a package of its own named rbtrace, that starts workers."""

import multiprocessing

from rbtrace.recording import tune

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(tune, [1, 2]))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(tune, [3]))
