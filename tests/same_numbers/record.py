"""Record the numbers of this version of the code, or only add the bits of this machine."""

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.same_numbers import MACHINES, RECORDED, RUNS, checksums, machine, numbers, train


def rounded(value: Any) -> Any:
    """JSON with seven digits, and null for what is not a number."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value


def main() -> None:
    """Train all of them, and write what the module says."""
    adds = sys.argv[1:] == ["--add"]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LAB_DATA"] = f"{folder}/cache"
        for name in RUNS:
            run = train(name, Path(folder))
            found[name] = checksums(run)
            if not adds:
                text = json.dumps(rounded(numbers(run)))
                (RECORDED / f"{name}.json").write_text(text + "\n")
    machines = json.loads(MACHINES.read_text()) if adds else {}
    MACHINES.write_text(json.dumps(machines | {machine(): found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
