"""Write the folders of this version of the code: `python -m tests.old_runs.write v2`."""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.command_line import run_lab
from tests.old_runs import HERE, RUNS, SWEEP

KEPT = (
    "config.yaml", "metrics.csv", "model.safetensors", "provenance.json", "result.json", "status",
    "jobs/*.json", "summary.csv",
)  # fmt: skip


def main(version: str) -> None:
    """Run the commands and keep the small files."""
    with tempfile.TemporaryDirectory() as folder:
        for words in (*RUNS.values(), SWEEP):
            done = run_lab(*words, cwd=Path(folder), timeout=1200)
            print(done.stdout, done.stderr)
            done.check_returncode()
        for pattern in KEPT:
            for file in Path(folder, "outputs").glob(f"*/*/{pattern}"):
                copy = HERE / version / file.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)


if __name__ == "__main__":
    main(sys.argv[1])
