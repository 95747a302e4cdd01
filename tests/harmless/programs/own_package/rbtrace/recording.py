"""Music that is recorded."""


def tune(number):
    return 2 * number
