"""What share of a run's time do checkpoints cost?

    python scripts/bench_checkpoints.py
    python scripts/bench_checkpoints.py --pairs 100 cell=gru size=large

Words after the options are lab's own. Two figures: the share of a run with these words that is
spent in writing checkpoints; and what one costs, from pairs of equal blocks of steps, one with a
checkpoint after it and one without, so that a busy machine slows both alike. The share that the
second gives is of a long run, which writes one every `checkpoint_seconds`.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.cli import compose_config
from lab.config import RunConfig
from lab.engine import checkpoints
from lab.engine.jobs import perform
from lab.engine.run_folder import RunFolder
from lab.engine.study import build_task

STEPS_PER_BLOCK = 5


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=50)
    arguments, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as out:
        config = compose_config("device=cpu", f"out_dir={out}", *words)
        wall, writing, count = one_run(config)
        print(
            f"a run of {wall:.2f} s wrote {count} checkpoints in {writing * 1000:.1f} ms: "
            f"{writing / wall:.2%} of its time"
        )
        cost = statistics.median(differences(config, arguments.pairs, time.perf_counter))
        cpu = statistics.median(differences(config, arguments.pairs, time.process_time))
    every = config.checkpoint_seconds
    print(
        f"a checkpoint costs {cost * 1000:.1f} ms, {cpu * 1000:.1f} ms of CPU (medians of "
        f"{arguments.pairs} pairs): {cost / every:.3%} of a run that writes one each {every:g} s"
    )


def one_run(config: RunConfig) -> tuple[float, float, int]:
    """Seconds that a run takes, those that it writes checkpoints, and how many."""
    seconds: list[float] = []
    with timed_saves(seconds), open(os.devnull, "w", encoding="utf-8") as nowhere:
        begin = time.perf_counter()
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            outcome = perform(config, [])
        wall = time.perf_counter() - begin
    if outcome.exit_code:
        sys.exit(outcome.line)
    return wall, sum(seconds), len(seconds)


@contextlib.contextmanager
def timed_saves(seconds: list[float]) -> Iterator[None]:
    """Note how long each `checkpoints.save` takes."""
    plain = checkpoints.save

    def save(folder: RunFolder, identity: str, state: dict[str, object]) -> None:
        begin = time.perf_counter()
        plain(folder, identity, state)
        seconds.append(time.perf_counter() - begin)

    checkpoints.save = save
    try:
        yield
    finally:
        checkpoints.save = plain


def differences(config: RunConfig, pairs: int, clock: Callable[[], float]) -> Iterator[float]:
    """By how much a block of steps with a checkpoint took longer than one without, in each pair."""
    task = build_task(config, "cpu")
    folder = RunFolder(Path(config.out_dir))

    def block(with_checkpoint: bool) -> float:
        begin = clock()
        for _ in range(STEPS_PER_BLOCK):
            task.step()
        if with_checkpoint:
            checkpoints.save(folder, config.identity, {"step": 0, "task": task.state_dict()})
        return clock() - begin

    block(with_checkpoint=True)
    for pair in range(pairs):
        first = pair % 2 == 0
        times = {with_checkpoint: block(with_checkpoint) for with_checkpoint in (first, not first)}
        yield times[True] - times[False]


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
