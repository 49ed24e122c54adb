"""How much of the loss's gradient reaches each time step: `lab flow RUN [RUN ...]`.

It draws one figure of these runs, before and after training, into the first run's folder. It prints
how fast each gradient decays, and the spectral radius of one step, which explains the decay.
"""

import argparse
from collections.abc import Sequence

from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.runs.arguments import add_number, add_runs, chosen_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_runs(parser)
    add_number(parser, "--seq-len", 100, 3, "the length T of the palindromes")


def run(args: argparse.Namespace) -> None:
    for line in compare(chosen_runs(args, MemoryConfig), args.seq_len):
        print(line, flush=True)


def compare(folders: Sequence[RunFolder], seq_len: int) -> list[str]:
    """Draw the figure; return the lines to print: one for each network, then the figure's path."""
    import torch

    from lab.memory import figures
    from lab.memory.flow import describe, gradient_flow, some_palindromes
    from lab.memory.network import initial_network, open_palindromes

    torch.set_num_threads(1)  # more threads are slower for networks this small
    lines, flows = [], {}
    for folder in folders:
        trained, config = open_palindromes(folder, recurrent=True)
        digits = some_palindromes(config, seq_len)
        name = f"{config.label}, T={config.seq_len}, seed {config.seed}"
        if name in flows:  # the folders' names say in what the two runs differ
            name = folder.path.name
        before, after = initial_network(config), trained
        flows[name] = (gradient_flow(before, digits), gradient_flow(after, digits))
        lines += [
            f"{name}, {when}: {describe(network, digits, flow)}"
            for when, network, flow in zip(
                ("before training", "trained"), (before, after), flows[name], strict=True
            )
        ]
    figure = figures.compare_flows(flows, seq_len)
    return [*lines, str(folders[0].save_figure(f"gradient_flow_T{seq_len}", figure))]
