"""Kill runs at random moments, give the same command again, compare with a run never killed.

    python scripts/kill_runs.py
    python scripts/kill_runs.py --kills 5 --seed 1 seq_len=10 cell=gru

Words after the options are lab's own. The moments are spread over all of a run from its first
step to its last file. A run that is done before its moment comes is tried again.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

RUN = ["device=cpu", "seq_len=5", "size=small", "max_steps=600", "target_accuracy=null"]
# A checkpoint at each step makes it likely that a kill comes while one is written.
RUN += ["eval_every=5", "log_every=1", "checkpoint_seconds=0"]


def main() -> int:
    """Print a row for each kill; gives 1 if any run came out different."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments, words = parser.parse_known_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        reference, seconds = uninterrupted(Path(scratch, "never-killed"), words)
        print(f"a run takes {seconds:.1f} s from its first step")
        print(
            f"{'kill':>4} {'after':>7} {'logged':>7} {'continues at':>12}  {'in writing':16} equal"
        )
        equal = 0
        for number in range(1, arguments.kills + 1):
            cwd = Path(scratch, f"killed-{number}")
            after = kill_somewhere(cwd, words, moments, seconds)
            (folder,) = cwd.glob("outputs/runs/*")
            logged, begins = steps_logged(folder), step_of_checkpoint(folder)
            writing = ", ".join(path.name.split(".")[1] for path in folder.rglob(".*.tmp"))
            subprocess.run(lab(words), cwd=cwd, check=True, capture_output=True)
            same = is_equal(folder, reference)
            equal += same
            print(
                f"{number:4} {after:6.2f}s {logged:7} {begins + 1:12}  {writing or '-':16} {same}",
                flush=True,
            )
    print(f"{equal} of {arguments.kills} kills lost nothing: weights and metrics are bitwise equal")
    return int(equal < arguments.kills)


def lab(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "lab", *RUN, *words]


def start(cwd: Path, words: list[str]) -> "subprocess.Popen[bytes]":
    """Start a run and wait for its first step."""
    cwd.mkdir(parents=True)
    run = subprocess.Popen(
        lab(words), cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not any(steps_logged(folder) for folder in cwd.glob("outputs/runs/*")):
        if run.poll() is not None:
            sys.exit("the run ended before its first step")
        time.sleep(0.001)
    return run


def uninterrupted(cwd: Path, words: list[str]) -> tuple[Path, float]:
    """A run's folder and how long it took from its first step."""
    run = start(cwd, words)
    begin = time.monotonic()
    if run.wait():
        sys.exit("the run failed")
    (folder,) = cwd.glob("outputs/runs/*")
    return folder, time.monotonic() - begin


def kill_somewhere(cwd: Path, words: list[str], moments: random.Random, seconds: float) -> float:
    """Kill a run so that it is left half done; gives how long after its first step."""
    while True:
        after = moments.uniform(0, seconds)
        run = start(cwd, words)
        time.sleep(after)
        run.send_signal(signal.SIGKILL)
        if run.wait() == -signal.SIGKILL:
            return after
        cwd = cwd.rename(cwd.with_name(f"{cwd.name}-too-late-{after}")).with_name(cwd.name)


def steps_logged(folder: Path) -> int:
    try:
        return max((folder / "metrics.csv").read_text(encoding="utf-8").count("\n") - 1, 0)
    except FileNotFoundError:
        return 0


def step_of_checkpoint(folder: Path) -> int:
    for name in ("checkpoint.new.pt", "checkpoint.pt", "checkpoint.prev.pt"):
        if (folder / name).exists():
            return int(torch.load(folder / name, weights_only=True)["state"]["step"])
    return 0


def is_equal(folder: Path, reference: Path) -> bool:
    """Whether all but the times is the same."""
    results = [
        json.loads((f / "result.json").read_text(encoding="utf-8")) for f in (folder, reference)
    ]
    for result in results:
        del result["seconds"]
    files = ("model.safetensors", "metrics.csv")
    return results[0] == results[1] and all(
        (folder / name).read_bytes() == (reference / name).read_bytes() for name in files
    )


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    sys.exit(main())
