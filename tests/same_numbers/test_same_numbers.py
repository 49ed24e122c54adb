"""A tiny run of each study has the numbers that were recorded."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.small_data import write_bars
from tests.same_numbers import RECORDED, RUNS, checksums, machine
from tests.same_numbers.record import train

TOLERANCE = 1e-3  # between kinds of processor up to 6e-5 was seen


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Path]:
    """A folder with images, and a data cache for their classifier."""
    cwd = tmp_path_factory.mktemp("numbers")
    write_bars(cwd / "images", 36, 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATA", str(cache))
        yield cwd


@pytest.mark.parametrize("name", RUNS)
def test_weights_and_metrics_are_those_recorded(name: str, cwd: Path) -> None:
    folder = train(name, cwd)
    recorded = json.loads((RECORDED / "checksums.json").read_text())
    if recorded["machine"] == machine():
        assert checksums(folder) == recorded["checksums"][name]
    expected, found = _rows(RECORDED / f"{name}.csv"), _rows(folder / "metrics.csv")
    assert len(found) == len(expected)
    for now, before in zip(found, expected, strict=True):
        assert now.keys() == before.keys()
        assert now["step"] == before["step"]
        if int(now["step"]) <= RUNS[name].steady_until:
            assert _numbers(now) == pytest.approx(_numbers(before), rel=TOLERANCE, abs=TOLERANCE)


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if value}
