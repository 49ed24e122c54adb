"""The factor on the learning rate, step by step, against its formula in plain numbers."""

import math

import pytest
import torch

from lab.engine.optimizers import ScheduleName, schedule


def factors(name: ScheduleName, steps: int = 100) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    following = schedule(name, optimizer, total_steps=steps, halve_every=40)
    found = []
    for _ in range(steps + 1):
        found.append(float(following.get_last_lr()[0]))
        optimizer.step()
        following.step()
    return found


@pytest.mark.parametrize(("name", "end"), [("cosine", 0.0), ("soft_cosine", 0.3)])
def test_a_cosine_falls_from_one_to_its_end_and_is_halfway_in_the_middle(
    name: ScheduleName, end: float
) -> None:
    found = factors(name)
    assert found[0] == 1
    assert found[50] == pytest.approx((1 + end) / 2)
    assert found[100] == pytest.approx(end, abs=1e-12)
    assert found[25] == pytest.approx(end + (1 - end) * math.cos(math.pi / 8) ** 2)
    assert found == sorted(found, reverse=True)


def test_halving_is_a_staircase_and_constant_is_flat() -> None:
    found = factors("halving")
    assert [found[i] for i in (0, 39, 40, 79, 80, 100)] == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert set(factors("constant")) == {1}
