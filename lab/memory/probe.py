"""What is stored: how well a linear map reads the first digit from the state after each step.

The probe is a ridge regression on the indicators of the ten digits. It is fitted at each step, and
its accuracy is measured on palindromes that it was not fitted to. Even an untrained network's curve
may rise towards the end: the second half mirrors the first, so that fewer digits of the state are
unknown.
"""

import torch
from torch import Tensor, nn

from lab.memory.network import DIGITS, Network

# The penalty as a share of the states' mean square. It keeps the fit stable if a unit is constant.
RIDGE = 1e-4


@torch.no_grad()
def probe_states(
    network: Network, digits: Tensor, steps: list[int], test_count: int
) -> dict[str, list[float]]:
    """Return the probe's accuracies at the steps, by the name of the state, `h` or `c`.

    Args:
        network: the network, which carries a state.
        digits: palindromes uint8 [N, T].
        steps: the steps at which to probe, from 1 to T-1.
        test_count: the number of palindromes, at the end, that are tested on and not fitted to.
    """
    accuracies: dict[str, list[float]] = {}
    for t, state in enumerate(network.states(digits[:, :-1]), start=1):
        if t not in steps:
            continue
        for name, part in zip("hc", state, strict=False):
            value = probe_accuracy(part, digits[:, 0], test_count)
            accuracies.setdefault(name, []).append(value)
    return accuracies


def probe_accuracy(features: Tensor, labels: Tensor, test_count: int) -> float:
    """Fit a ridge regression to all but the last `test_count` rows; return the accuracy on those.

    Args:
        features: float [N, H].
        labels: digits, integers [N].
        test_count: the number of rows to test on.
    """
    ones = torch.ones(len(features), 1, dtype=torch.float64)
    X = torch.cat([features.double().cpu(), ones], dim=1)
    Y = nn.functional.one_hot(labels.long().cpu(), DIGITS).double()
    fitted, fitted_Y = X[:-test_count], Y[:-test_count]
    penalty = RIDGE * fitted.square().mean() * len(fitted) * torch.eye(X.shape[1]).double()
    W = torch.linalg.solve(fitted.T @ fitted + penalty, fitted.T @ fitted_Y)  # [H+1, 10]
    guesses = (X[-test_count:] @ W).argmax(1)
    return float((guesses == Y[-test_count:].argmax(1)).double().mean())
