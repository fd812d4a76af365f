"""Shares with their uncertainty, and two raters compared on the same pairs."""

import math

Z95 = 1.959963984540054  # the normal distribution's point with 2.5 % above it


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of `count` of `total`; (0, 1) where there is nothing to go by.

    Source: Wilson (1927), Journal of the American Statistical Association 22(158).
    """
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share")
    if not total:
        return 0.0, 1.0
    share, z2 = count / total, Z95 * Z95 / total
    middle = (share + z2 / 2) / (1 + z2)
    half = Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total)) / (1 + z2)
    return (0.0 if count == 0 else middle - half), (1.0 if count == total else middle + half)


def paired_difference(only_first: int, only_second: int, total: int) -> tuple[float, float]:
    """The 95 % interval of how much more of the same `total` pairs the second rater has right than the first.

    Shares from -1 to 1; (-1, 1) where there are no pairs. Counts as in `mcnemar`.

    Source: Bonett and Price (2012), British Journal of Mathematical and Statistical Psychology 65(3).
    """
    if min(only_first, only_second) < 0 or only_first + only_second > total:
        raise ValueError(f"{only_first} and {only_second} of {total} pairs cannot be")
    if not total:
        return -1.0, 1.0
    first, second = (only_first + 1) / (total + 2), (only_second + 1) / (total + 2)
    middle = second - first
    half = Z95 * math.sqrt((first + second - middle * middle) / (total + 2))
    return max(-1.0, middle - half), min(1.0, middle + half)


def mcnemar(only_first: int, only_second: int) -> float:
    """How likely chance alone makes two equally good raters differ at least so much (exact, two-sided).

    Args:
        only_first: pairs that only the first rater has right.
        only_second: pairs that only the second one has right. Pairs that both or neither has right tell nothing.

    Returns:
        The p value, 1.0 where they differ on no pair.

    Source: McNemar (1947), Psychometrika 12(2), with the binomial distribution instead of its approximation.
    """
    if min(only_first, only_second) < 0:
        raise ValueError("counts of pairs are 0 or more")
    total, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(total, k) for k in range(fewer + 1))
    return min(1.0, tail / 2 ** (total - 1)) if total else 1.0
