"""What share of a run's time do checkpoints cost?

    python scripts/bench_checkpoints.py
    python scripts/bench_checkpoints.py --pairs 5 --steps 4000

Two figures. The share of a default run, which ends after a few seconds and writes one checkpoint,
that is spent in writing it. And pairs of longer runs, one that checkpoints every ten seconds as
is the default and one that does not: the median ratio of their CPU times, which a busy machine
changes less than wall times, and the share of wall time spent in writing.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator

from lab import checkpoints
from lab.cli import compose_config
from lab.jobs import perform
from lab.runs import RunFolder

NEVER = "checkpoint_seconds=1e9"


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3000, help="of the longer runs")
    arguments = parser.parse_args()
    measure("max_steps=20")  # imports and first calls, which a run pays once
    run = measure()
    print(f"a default run: {run.wall:.2f} s, {run.count} checkpoint, {run.share:.2%} of its time")
    longer = ["target_accuracy=null", f"max_steps={arguments.steps}", "epochs=1000000"]
    ratios = []
    for number in range(arguments.pairs):
        plain, saving = measure(*longer, NEVER), measure(*longer)
        ratios.append(saving.cpu / plain.cpu)
        print(
            f"pair {number + 1}: {plain.cpu:.1f} s of CPU without, {saving.cpu:.1f} s with "
            f"{saving.count} checkpoints, ratio {ratios[-1]:.3f}; "
            f"{saving.share:.2%} of {saving.wall:.1f} s was spent in writing",
            flush=True,
        )
    print(f"median ratio of CPU time, with to without: {statistics.median(ratios):.3f}")


class Measured:
    """Times of one run, in seconds, and how often it wrote a checkpoint."""

    wall = cpu = writing = 0.0
    count = 0

    @property
    def share(self) -> float:
        """Of wall time, spent in writing checkpoints."""
        return self.writing / self.wall


def measure(*words: str) -> Measured:
    """Run lab with these words in this process, in a folder of its own."""
    with tempfile.TemporaryDirectory() as out:
        config = compose_config("device=cpu", f"out_dir={out}", *words)
        measured = Measured()
        with timed_saves(measured), contextlib.redirect_stdout(None):
            wall, cpu = time.perf_counter(), time.process_time()
            outcome = perform(config, list(words))
            measured.wall = time.perf_counter() - wall
            measured.cpu = time.process_time() - cpu
    if outcome.exit_code:
        sys.exit(outcome.line)
    return measured


@contextlib.contextmanager
def timed_saves(measured: Measured) -> Iterator[None]:
    """Add up the time that `checkpoints.save` takes."""
    plain = checkpoints.save

    def save(folder: RunFolder, identity: str, state: dict[str, object]) -> None:
        begin = time.perf_counter()
        plain(folder, identity, state)
        measured.writing += time.perf_counter() - begin
        measured.count += 1

    checkpoints.save = save
    try:
        yield
    finally:
        checkpoints.save = plain


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
