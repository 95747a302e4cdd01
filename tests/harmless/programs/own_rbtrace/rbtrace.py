"""Traces rays of light: the program's own."""


def trace_ray(number):
    return number + 1
