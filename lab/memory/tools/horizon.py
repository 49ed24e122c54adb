"""The largest length at which a network is still correct: `lab horizon RUN [RUN ...]`.

It writes figures/horizon.json into each run's folder.
"""

import argparse
import json
import sys

from lab.config.errors import UserError
from lab.config.wording import percent
from lab.engine.run_folder import RunFolder
from lab.memory.config import MemoryConfig
from lab.runs.arguments import add_number, add_runs, chosen_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_runs(parser)
    add_number(parser, "--n", 1000, 1, "examples at each length")
    add_number(parser, "--longest", 100_000, 3, "the largest length that is tried")


def run(args: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)  # more threads are slower for networks this small
    for folder in chosen_runs(args, MemoryConfig):
        print(measure(folder, args.n, args.longest), flush=True)


def measure(folder: RunFolder, n: int, longest: int) -> str:
    """Find a finished run's horizon, write horizon.json, and return the line to print."""
    from lab.memory.horizon import NEEDED, accuracy_at, find_horizon
    from lab.memory.network import build_sequence, open_run

    network, config = open_run(folder)
    sequence = build_sequence(config)
    if longest < sequence.shortest:
        raise UserError(
            f"--longest {longest} is too short for sequence={config.sequence_name}: expected at "
            f"least {sequence.shortest}"
        )
    accuracies: dict[int, float] = {}

    def passes(seq_len: int) -> bool:
        accuracies[seq_len] = accuracy_at(network, sequence, seq_len, n, config.seed)
        print(f"T={seq_len:,}: {percent(accuracies[seq_len])}", file=sys.stderr, flush=True)
        return accuracies[seq_len] >= NEEDED

    horizon = find_horizon(passes, config.seq_len, longest, sequence.shortest)
    content = {
        "horizon": horizon,
        "needed": NEEDED,
        "n": n,
        "longest": longest,
        "trained_at": config.seq_len,
        "accuracies": {str(length): accuracies[length] for length in sorted(accuracies)},
    }
    data = (json.dumps(content, indent=2) + "\n").encode()
    path = folder.save_file("horizon.json", lambda file: file.write(data))
    if horizon is None:
        return f"horizon: none, no length has an accuracy of {percent(NEEDED)} → {path}"
    bound = "at least " if horizon >= longest else ""
    found = f"{bound}T={horizon:,}, accuracy {percent(accuracies[horizon])} (n={n:,})"
    return f"horizon, the largest T with {percent(NEEDED)} or more: {found} → {path}"
