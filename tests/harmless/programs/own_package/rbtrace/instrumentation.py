"""Instruments of music."""


def tune(number):
    return 2 * number
