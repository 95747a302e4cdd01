"""Dividing whole numbers in proportion, with nothing lost (largest remainder)."""

from __future__ import annotations

import numpy as np

from rbtrace.analysis.arrays import Ints, sum_by


def apportion(amount: Ints, kept: Ints, weight: Ints, first: Ints) -> Ints:
    """Divide the amount of each group between the group's keeper and its members.

    Each gets its part in proportion to its weight, rounded down; what is left goes, one by one, to
    those with the largest remainders: the keeper first, then the members in order.

    Args:
        amount: what each group has to divide, ≥ 0.
        kept: weight of each group's keeper.
        weight: weight of each member, members of a group together.
        first: position of the first member of each group.

    Returns:
        What each member gets; the rest of a group's amount is its keeper's. Where all weights are
        0 that is everything.
    """
    groups = np.repeat(np.arange(first.size), np.diff(np.append(first, weight.size)))
    whole = kept + sum_by(groups, weight, first.size)
    divisible = whole > 0
    divisor = np.where(divisible, whole, 1)
    own, own_left = _multiply_divide(amount, np.where(divisible, kept, 1), divisor)
    given, left = _multiply_divide(amount[groups], weight, divisor[groups])
    given[~divisible[groups]] = 0
    left[~divisible[groups]] = 0
    remaining = np.where(divisible, amount - own - sum_by(groups, given, first.size), 0)
    # Rank all claims of a group, the keeper's among them, by remainder.
    claim_group = np.concatenate((np.arange(first.size), groups))
    claim_left = np.concatenate((own_left, left))
    order = np.lexsort((np.arange(claim_group.size), -claim_left, claim_group))
    begins = np.searchsorted(claim_group[order], np.arange(first.size))
    rank = np.arange(order.size) - begins[claim_group[order]]
    gets_one = np.zeros(order.size, np.bool_)
    gets_one[order] = rank < remaining[claim_group[order]]
    return given + gets_one[first.size :]


def _multiply_divide(amount: Ints, weight: Ints, divisor: Ints) -> tuple[Ints, Ints]:
    """Quotient and remainder of amount · weight ÷ divisor, where weight ≤ divisor.

    The product may pass 64 bits; the float quotient is off by little, and the remainder, small
    again, comes out exactly in arithmetic modulo 2^64, so it tells by how much.
    """
    quotient = (amount * (weight / divisor)).astype(np.int64)
    with np.errstate(over="ignore"):
        remainder = amount * weight - quotient * divisor
    correction = np.floor_divide(remainder, divisor)
    return quotient + correction, remainder - correction * divisor
