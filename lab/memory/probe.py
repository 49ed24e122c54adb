"""What is stored: how well a linear map reads the first digit from the state after each step.

    python -m lab.memory.probe outputs/runs/lstm-T20-s0-…

draws figures/probe.png into the run's folder. The probe is a ridge regression on the ten digits'
indicators, fitted anew at each step, and its accuracy is on palindromes it was not fitted to.
Even an untrained network's curve may rise towards the end: the second half mirrors the first, which
leaves fewer unknown digits in the state.
"""

import sys

import numpy as np
import torch
from torch import Tensor, nn

from lab.config.errors import UserError
from lab.engine.run_folder import RunFolder
from lab.engine.seeding import generator
from lab.memory import flow_figures, palindromes
from lab.memory.finished import load_network, runs_and_numbers
from lab.memory.network import DIGITS, Network, initial_network

FITTED_ON, TESTED_ON = 2000, 1000
# Of the mean square of a state's numbers: enough that units which never move do no harm.
RIDGE = 1e-4
STEPS_PROBED = 50


def main() -> None:
    """`python -m lab.memory.probe RUN [RUN ...]`."""
    torch.set_num_threads(1)  # as a run: more are slower for networks this small
    try:
        for folder in runs_and_numbers(sys.argv[1:], {})[0]:
            print(probe_run(folder))
    except UserError as error:
        sys.exit(f"lab: {error}")


def probe_run(folder: RunFolder) -> str:
    """Draw the figure of a finished run; gives a line for each curve.

    Raises:
        UserError: the folder is no finished run of the memory study.
    """
    network, config = load_network(folder)
    draws = generator(config.seed, "probe")
    codes = palindromes.distinct_codes(config.seq_len, FITTED_ON + TESTED_ON, draws)
    digits = palindromes.from_codes(codes, config.seq_len, draws)
    count = len(digits) * TESTED_ON // (FITTED_ON + TESTED_ON)
    last = config.seq_len - 1
    steps = sorted({round(t) for t in np.linspace(1, last, min(last, STEPS_PROBED)).tolist()})
    curves = {
        f"{state}(t), {when}": accuracies
        for when, net in (("trained", network), ("untrained", initial_network(config)))
        for state, accuracies in probe_states(net, digits, steps, count).items()
    }
    title = f"What a linear probe reads of the first digit, {config.label}, T={config.seq_len:,}"
    path = folder.save_figure("probe", flow_figures.probe(steps, curves, title, count))
    lines = [
        f"{name}: {values[0]:.1%} at t=1, {values[-1]:.1%} at t={last}"
        for name, values in curves.items()
    ]
    return "\n".join([*lines, str(path)])


@torch.no_grad()
def probe_states(
    network: Network, digits: Tensor, steps: list[int], held_out: int
) -> dict[str, list[float]]:
    """Held-out accuracy of the probe by the name of the state, at each of the steps.

    Args:
        digits: palindromes uint8 [N, T].
        steps: from 1 to T-1.
        held_out: how many of the palindromes, the last ones, are not fitted to.
    """
    accuracies: dict[str, list[float]] = {}
    for t, state in enumerate(network.states(digits[:, :-1]), start=1):
        if t not in steps:
            continue
        for name, part in zip("hc", state, strict=False):
            value = probe_accuracy(part, digits[:, 0], held_out)
            accuracies.setdefault(name, []).append(value)
    return accuracies


def probe_accuracy(features: Tensor, labels: Tensor, held_out: int) -> float:
    """Fit a ridge regression to all but the last `held_out` rows and score those.

    Args:
        features: float [N, H].
        labels: digits [N].
    """
    ones = torch.ones(len(features), 1, dtype=torch.float64)
    X = torch.cat([features.double().cpu(), ones], dim=1)
    Y = nn.functional.one_hot(labels.long().cpu(), DIGITS).double()
    fitted, fitted_Y = X[:-held_out], Y[:-held_out]
    penalty = RIDGE * fitted.square().mean() * len(fitted) * torch.eye(X.shape[1]).double()
    W = torch.linalg.solve(fitted.T @ fitted + penalty, fitted.T @ fitted_Y)  # [H+1, 10]
    guesses = (X[-held_out:] @ W).argmax(1)
    return float((guesses == Y[-held_out:].argmax(1)).double().mean())


if __name__ == "__main__":
    main()
