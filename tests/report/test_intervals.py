"""The rule of the intervals, simulated on distributions that results of runs resemble."""

from collections.abc import Callable

import numpy as np
import pytest

from lab.report import intervals

DRAWS = 4000
RNG = np.random.default_rng(0)


def covered(ends: tuple[np.ndarray, np.ndarray], true: float) -> float:
    low, high = ends
    return float(np.mean((low <= true) & (true <= high)))


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    ("draw", "true", "least", "wrong"),
    [
        (lambda size: RNG.beta(50, 1, size), 50 / 51, 0.92, 0.065),
        (lambda size: RNG.beta(8, 2, size), 0.8, 0.93, 0.05),
        (lambda size: np.full(size, 0.995), 0.995, 0.95, 0.03),
    ],
)
def test_an_interval_of_shares_covers_and_seldom_lies_above_the_truth(
    draw: Callable[[tuple[int, int]], np.ndarray],
    true: float, least: float, wrong: float, seeds: int,
):  # fmt: skip
    examples = 10_000
    values = RNG.binomial(examples, draw((DRAWS, seeds))) / examples
    low, high = intervals.of_share(values, examples)
    assert covered((low, high), true) >= least
    assert np.mean(low > true) <= wrong  # a bound at the truth would "hold"
    assert (low >= 0).all()
    assert (high <= 1).all()
    assert ((low <= values.mean(-1)) & (values.mean(-1) <= high)).all()


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_an_interval_of_fids_and_of_differences_covers(seeds: int):
    fids = RNG.lognormal(0, 0.15, (DRAWS, seeds))
    assert covered(intervals.of_mean(fids, least=0), np.exp(0.15**2 / 2)) >= 0.935
    differences = RNG.normal(0, 1, (DRAWS, seeds))
    assert covered(intervals.of_mean(differences), 0) >= 0.935


def test_equal_values_are_no_certainty():
    low, high = intervals.of_share([1.0, 1.0, 1.0], 10_000)
    assert (round(float(low), 4), float(high)) == (0.9988, 1.0)
    low, high = intervals.of_share([0.0] * 3, 10_000)
    assert (float(low), round(float(high), 4)) == (0.0, 0.0012)
    low, high = intervals.of_mean([0.0, 0.0, 0.0], noise=1e-4)
    assert (round(float(low), 3), round(float(high), 3)) == (-0.043, 0.043)


def test_an_interval_is_students_t_within_what_can_exist():
    # 0.990 to 0.994: standard error 0.001581/sqrt(5), t of 4 degrees of freedom 2.776.
    ends = intervals.of_mean([0.990, 0.991, 0.992, 0.993, 0.994])
    assert np.allclose(ends, (0.990037, 0.993963), atol=1e-6)
    assert intervals.of_mean([0.0, 1.0, 0.1], least=0, most=1)[0] == 0


def test_a_count_of_seeds_has_clopper_and_pearsons_interval():
    assert np.allclose(intervals.of_count(9, 10), (0.5550, 0.9975), atol=1e-4)
    assert np.allclose(intervals.of_count(3, 3), (0.2924, 1.0), atol=1e-4)


def test_the_power_calculation_agrees_with_a_simulation():
    seeds = intervals.seeds_needed(mean=1.0, spread=1.0, bound=0.0)
    assert seeds is not None
    for number, enough in ((seeds, True), (seeds - 1, False)):
        low, _ = intervals.of_mean(RNG.normal(1, 1, (DRAWS * 5, number)))
        assert (np.mean(low > 0) >= 0.79) == enough or abs(np.mean(low > 0) - 0.8) < 0.01
    assert intervals.seeds_needed(mean=0.1, spread=1.0, bound=0.0) is None


def test_what_no_interval_sees():
    assert round(intervals.most_failures(3), 2) == 0.63
    assert round(intervals.most_failures(10), 2) == 0.26
