"""How well a linear map reads the first digit from the state: `lab probe RUN [RUN ...]`.

It draws figures/probe.png into each run's folder.
"""

import argparse

from lab.config.wording import percent
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.runs.arguments import add_runs, chosen_runs

FITTED_ON, TESTED_ON = 2000, 1000
STEPS_PROBED = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_runs(parser)


def run(args: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)  # more threads are slower for networks this small
    for folder in chosen_runs(args, MemoryConfig):
        print(probe_run(folder), flush=True)


def probe_run(folder: RunFolder) -> str:
    """Draw the figure of a finished run; return a line for each curve, and the figure's path."""
    import numpy as np

    from lab.engine.process import random_stream
    from lab.memory import figures
    from lab.memory.flow import probe_states
    from lab.memory.network import initial_network, open_palindromes
    from lab.memory.sequences import palindrome

    network, config = open_palindromes(folder, recurrent=True)
    draws = random_stream(config.seed, "probe")
    digits = palindrome.draw_distinct(config.seq_len, FITTED_ON + TESTED_ON, draws)
    count = len(digits) * TESTED_ON // (FITTED_ON + TESTED_ON)
    last = config.seq_len - 1
    steps = sorted({round(t) for t in np.linspace(1, last, min(last, STEPS_PROBED)).tolist()})
    curves = {
        f"{state}(t), {when}": accuracies
        for when, net in (("trained", network), ("untrained", initial_network(config)))
        for state, accuracies in probe_states(net, digits, steps, count).items()
    }
    title = f"How well a linear probe reads the first digit, {config.label}, T={config.seq_len:,}"
    path = folder.save_figure("probe", figures.probe(steps, curves, title, count))
    lines = [
        f"{name}: {percent(values[0])} at t=1, {percent(values[-1])} at t={last}"
        for name, values in curves.items()
    ]
    return "\n".join([*lines, str(path)])
