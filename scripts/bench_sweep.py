"""How much faster is a sweep as typed than in one process, and what does a finished run cost?

    python scripts/bench_sweep.py                 a sweep of 23 runs
    python scripts/bench_sweep.py 115             T=3..25 with seeds 0..4, about five minutes
    python scripts/bench_sweep.py 8 size=small    words after the number are lab's own

The ratio of wall times means something on an otherwise idle machine only. The cost of a run that
was finished before is CPU time beyond that of an application which composes the same configs and
does nothing.
"""

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LENGTHS = range(3, 26)
NOTHING = """
import hydra
from lab.cli import CONF
hydra.main(config_path=CONF, config_name="config", version_base="1.3")(lambda cfg: None)()
"""


def main() -> None:
    """Print the ratio and the cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=int, nargs="?", default=len(LENGTHS))
    arguments, words = parser.parse_known_args()
    seeds = math.ceil(arguments.runs / len(LENGTHS))
    lengths = LENGTHS[: math.ceil(arguments.runs / seeds)]
    runs = seeds * len(lengths)
    sweep = ["-m", "device=cpu", f"seq_len=range({lengths[0]},{lengths[-1] + 1})"]
    sweep += [f"seed=range(0,{seeds})", *words]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        lab = [sys.executable, "-m", "lab", *sweep]
        alone, _ = timed([*lab, "hydra/launcher=basic"], one)
        print(f"{runs} runs in one process: {alone:.1f} s")
        both, _ = timed(lab, two)
        print(f"{runs} runs as typed: {both:.1f} s")
        print(f"as typed it is {alone / both:.2f} times as fast", flush=True)
        wall, cpu = timed(lab, one)
        _, hydra_cpu = timed([sys.executable, "-c", NOTHING, *sweep], one)
        print(
            f"{runs} finished runs: {wall:.1f} s, of which {cpu:.2f} s CPU, Hydra {hydra_cpu:.2f}"
        )
        own = (cpu - hydra_cpu) / runs
        print(f"a run that was finished before costs {own:.3f} s beyond Hydra's own")


def timed(command: list[str], cwd: str) -> tuple[float, float]:
    """Seconds of wall time and of CPU time, its own and its children's, that a command takes."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, cpu


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    main()
