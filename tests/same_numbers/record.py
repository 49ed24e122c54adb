"""Record the numbers of this version of the code on this machine."""

import json
import os
import shutil
import tempfile
from pathlib import Path

from tests.images.small_data import write_bars
from tests.same_numbers import RECORDED, RUNS, checksums, machine


def train(name: str, cwd: Path) -> Path:
    """Train one of RUNS in a folder that has `images`; gives the run's folder."""
    from lab.cli import compose_config
    from lab.engine.jobs import perform

    words = [word.format(images=cwd / "images") for word in RUNS[name].words]
    config = compose_config(*words, "device=cpu", f"out_dir={cwd}")
    outcome = perform(config, [])
    assert outcome.kind == "finished", outcome.line
    return config.run_dir


def main() -> None:
    """Train all of them and keep metrics and checksums."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        os.environ["LAB_DATA"] = str(cwd / "cache")
        write_bars(cwd / "images", 36, 30)
        found = {}
        for name in RUNS:
            run = train(name, cwd)
            shutil.copy(run / "metrics.csv", RECORDED / f"{name}.csv")
            found[name] = checksums(run)
    recorded = {"machine": machine(), "checksums": found}
    (RECORDED / "checksums.json").write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()
