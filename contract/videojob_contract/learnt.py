"""What is predicted with: how many times as long as by the known rates work takes on a pool's workers.

Workers read untrusted media, and may say anything. So all of it is bounded, and what is believed is a median.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from videojob_contract.resources.work import LearntRate

if TYPE_CHECKING:
    from videojob_contract.resources.work import LearntRates


def factor(learnt: LearntRates, of: str) -> float:
    """Return how many times as long, or as much, as by the known rates something takes."""
    rate = rate_of(learnt, of)
    return math.exp(median(map(math.log, (rate.believed, *rate.ratios))))


def rate_of(learnt: LearntRates, of: str) -> LearntRate:
    """Return what is learnt of a kind of work; of one of which nothing is, that it takes as long as it should."""
    return next((rate for rate in learnt.rates if rate.of == of), LearntRate(of=of))
