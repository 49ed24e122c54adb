"""A tiny run of each study has the numbers that were recorded."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.same_numbers import MACHINES, RECORDED, RUNS, checksums, machine, numbers, train
from tests.same_numbers.record import rounded

TOLERANCE = 1e-3  # between the instruction sets of one processor up to 2e-4 was seen
# The classifier is trained on each machine, in a thousand steps: up to 4e-3 was seen.
OF_THE_CLASSIFIER = re.compile(
    r"quality|latent|digits|fid|precision|recall|density|coverage|class|clear|judge|clipped"
)


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and word, with its place."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, f"{at}/{key}")
    else:
        yield at, value


@pytest.mark.parametrize("name", RUNS)
def test_weights_metrics_and_result_are_those_recorded(
    name: str, tmp_path: Path, record_property: Any
) -> None:
    run = train(name, tmp_path)
    machines = json.loads(MACHINES.read_text())
    is_exact = machine() in machines
    mode = "bit for bit" if is_exact else f"within {TOLERANCE}: this processor was not recorded"
    record_property("same_numbers", mode)
    if is_exact:
        assert checksums(run) == machines[machine()][name]
    recorded = json.loads((RECORDED / f"{name}.json").read_text())
    found = dict(leaves(rounded(numbers(run))))
    for place, value in leaves(recorded):  # a result may have more entries than it had
        if isinstance(value, float):
            tolerance = TOLERANCE * (30 if OF_THE_CLASSIFIER.search(place) else 1)
            is_lr = place.startswith("/metrics/lr/")  # smaller than the tolerance, and exact
            value = pytest.approx(value, rel=tolerance, abs=0 if is_lr else tolerance)
        elif not is_exact and place.endswith("checksum"):
            continue
        assert found.get(place, "missing") == value, place
