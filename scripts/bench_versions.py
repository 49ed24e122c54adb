"""Whole commands of this version of the code against those of another commit, in turn.

    python scripts/bench_versions.py                        help, a complaint, a run, shown again
    python scripts/bench_versions.py --rows sweep alone     the sweep of 23 lengths, minutes each
    python scripts/bench_versions.py --against v1 --pairs 7

Each pair runs the command once in either version, each time in a folder of its own. A row has the
median of this version's share of the other's CPU seconds and of its wall time, with the least and
the greatest of the pairs, and the medians themselves. Wall time means something on an otherwise
idle machine only.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
RUN = ("task=lstm", "seq_len=20", "device=cpu")
SWEEP = ("-m", "device=cpu", "seq_len=range(3,26)")
ROWS = {
    "help": ("--help",),
    "complaint": ("task=lstm", "seq_len=abc"),
    "run": (*RUN, "fresh=true"),
    "shown": RUN,
    "sweep": (*SWEEP, "fresh=true"),
    "alone": (*SWEEP, "fresh=true", "hydra/launcher=basic"),
}
QUICK = ("help", "complaint", "run", "shown")


class Cost(NamedTuple):
    """Of one process and those that it waited for; memory is that of the largest."""

    cpu: float
    wall: float
    megabytes: float


def main() -> None:
    """Print a row for each command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", metavar="COMMIT", default="HEAD~1")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=QUICK)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder, "other")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", other, arguments.against], check=True)
        try:
            compare(arguments.rows, {"this": ROOT, "other": other}, arguments.pairs, Path(folder))
        finally:
            subprocess.run([*git, "remove", "--force", other], check=True)


def compare(rows: list[str], trees: dict[str, Path], pairs: int, folder: Path) -> None:
    """Run each row's command in both trees, in turn.

    Of the quick ones the first run of either is not counted: it reads files from the disk.
    """
    for row in rows:
        words = ROWS[row]
        if row == "shown":  # there must be a run to show
            for name, tree in trees.items():
                cost(tree, RUN, folder / name)
        found = [
            {name: cost(tree, words, folder / name) for name, tree in trees.items()}
            for _ in range(pairs + (row in QUICK))
        ][row in QUICK :]
        parts = []
        for key, unit in (("cpu", "s"), ("wall", "s"), ("megabytes", "MB")):
            this, other = ([getattr(pair[name], key) for pair in found] for name in trees)
            shares = [a / b for a, b in zip(this, other, strict=True)]
            parts.append(
                f"{key} {median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f}; "
                f"{median(this):.2f} and {median(other):.2f} {unit})"
            )
        print(f"{row:>9}  {', '.join(parts)}", flush=True)


def cost(tree: Path, words: tuple[str, ...], cwd: Path) -> Cost:
    """What `python -m lab` with these words costs in one version of the code."""
    cwd.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", *words], cwd=cwd, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = 0  # it has been waited for
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
