"""95 % intervals of a mean over seeds, and how many seeds a verdict would need.

Three rules, which tests/report/test_intervals.py simulates:

- A number, such as an FID, or a difference of two numbers: Student's t over the seeds, clipped to
  the values that can exist.
- A share of N test examples, such as an accuracy: Student's t on the log-odds around the mean. The
  noise of the test examples is added, so that 1.0, 1.0, 1.0 is no certainty.
- A yes or no for each seed: Clopper and Pearson's interval of a count.

A bootstrap over 3 to 10 seeds covers the mean in 71 to 86 % of the cases only.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from scipy.special import betaincinv, nctdtr, stdtrit  # scipy.stats takes a second to import

CONFIDENCE = 0.95
MOST_SEEDS = 30
POWER = 0.8


def of_mean(
    values: Any, least: float = -math.inf, most: float = math.inf, confidence: float = CONFIDENCE,
    noise: float = 0.0,
) -> tuple[Any, Any]:  # fmt: skip
    """The interval of a mean by Student's t.

    Args:
        values: [..., n] for n seeds.
        least: the smallest value that can exist.
        most: the largest value that can exist.
        confidence: the probability that an interval covers the true mean.
        noise: the variance of the mean if all seeds have the same value.

    Returns:
        The lower and the upper end, [...] each.
    """
    values = np.asarray(values, float)
    mean, spread = values.mean(-1), values.std(-1, ddof=1)
    error = np.where(spread > 0, spread / math.sqrt(values.shape[-1]), math.sqrt(noise))
    reach = _quantile(values.shape[-1], confidence) * error
    return np.clip(mean - reach, least, most), np.clip(mean + reach, least, most)


def of_share(values: Any, examples: float, confidence: float = CONFIDENCE) -> tuple[Any, Any]:
    """The interval of the mean of shares by Student's t on the log-odds.

    The variance of the mean m of n seeds with N examples each is s^2 / n + m (1 - m) / (N n), and
    the derivative of the log-odds at m is 1 / (m (1 - m)). A mean of 0 or 1 counts as one example
    of N from it.

    Args:
        values: [..., n] for n seeds, each between 0 and 1.
        examples: N, the number of test examples of each seed.
        confidence: the probability that an interval covers the true mean.

    Returns:
        The lower and the upper end, [...] each. The mean of the values lies within.
    """
    values = np.asarray(values, float)
    seeds = values.shape[-1]
    mean = values.mean(-1)
    least = 1 / (examples + 1)
    inner = np.where(mean == 0, least, np.where(mean == 1, 1 - least, mean))
    chances = inner * (1 - inner)
    variance = values.var(-1, ddof=1) / seeds + chances / (examples * seeds)
    reach = _quantile(seeds, confidence) * np.sqrt(variance) / chances
    centre = np.log(inner / (1 - inner))
    low, high = (1 / (1 + np.exp(-end)) for end in (centre - reach, centre + reach))
    return np.minimum(low, mean), np.maximum(high, mean)


def of_count(successes: int, seeds: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share of seeds."""
    tail = (1 - confidence) / 2
    low = betaincinv(successes, seeds - successes + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, seeds - successes, 1 - tail) if successes < seeds else 1.0
    return float(low), float(high)


def seeds_needed(mean: float, spread: float, bound: float) -> int | None:
    """How many seeds decide with a probability of 80 %, if mean and spread are what they seem.

    Args:
        mean: the mean of the seeds so far.
        spread: their standard deviation.
        bound: the value that the interval must leave out.

    Returns:
        None if it is more than MOST_SEEDS: the effect is at the bound.
    """
    if spread == 0 or mean == bound:
        return None
    for seeds in range(3, MOST_SEEDS + 1):
        effect = abs(mean - bound) / spread * math.sqrt(seeds)
        power = 1 - nctdtr(seeds - 1, effect, _quantile(seeds, CONFIDENCE))
        if power >= POWER:
            return seeds
    return None


def most_failures(seeds: int) -> float:
    """The share of failures that may exist although none was seen, at 95 %."""
    return float(1 - (1 - CONFIDENCE) ** (1 / seeds))


@cache
def _quantile(seeds: int, confidence: float) -> float:
    return float(stdtrit(seeds - 1, (1 + confidence) / 2))
