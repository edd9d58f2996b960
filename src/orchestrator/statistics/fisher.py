"""Fisher's exact test in whole numbers, for cells too small for the normal approximation."""

from collections.abc import Iterator


def fisher_p_value(successes: int, trials: int, other_successes: int, other_trials: int) -> float:
    """
    Return the two-sided p-value: all tables with these margins that are no likelier than this one.

    Computed on integers, so that equally likely tables compare as equal; there are as many terms as
    the smallest margin has people.
    """
    column = successes + other_successes
    weights = list(_table_weights(trials, other_trials, column))
    seen = weights[successes - max(0, column - other_trials)]
    return sum(weight for weight in weights if weight <= seen) / sum(weights)


def _table_weights(trials: int, other_trials: int, column: int) -> Iterator[int]:
    """Yield the integer weight of each possible number of successes, in rising order."""
    first, last = max(0, column - other_trials), min(trials, column)
    ups = [(trials - k) * (column - k) for k in range(first, last)]
    downs = [(k + 1) * (other_trials - column + k + 1) for k in range(first, last)]
    weight = 1
    for down in downs:
        weight *= down
    yield weight
    for up, down in zip(ups, downs, strict=True):
        weight = weight * up // down
        yield weight
