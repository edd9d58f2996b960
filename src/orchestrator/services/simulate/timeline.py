"""Who bought when: one sorted array, asked for many customers at once."""

import numpy as np

from orchestrator.services.simulate.draws import Integers, Truths

_BITS = 34  #: room for seconds since 1970 beside the customer's number


class Timeline:
    def __init__(self, customer: Integers, placed: Integers) -> None:
        self._keys = np.sort(_key(customer, placed))

    def any_between(self, customer: Integers, after: Integers, until: Integers) -> Truths:
        """Whether each customer bought after one moment and not after the other, in seconds."""
        begun = np.searchsorted(self._keys, _key(customer, after), side="right")
        ended = np.searchsorted(self._keys, _key(customer, until), side="right")
        found: Truths = ended > begun
        return found


def _key(customer: Integers, seconds: Integers) -> Integers:
    return (customer << _BITS) + seconds
