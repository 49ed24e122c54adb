"""A run that is gone on with or shown where the last bits come out otherwise; a damaged result."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab.cli import compose_config
from lab.engine.jobs import perform
from lab.engine.provenance import bits_changed
from tests.command_line import TINY, quick_lab
from tests.run_files import copy_into


def change(file: Path, **values: Any) -> None:
    """Set keys of a JSON file; None removes one."""
    content = {**json.loads(file.read_text()), **values}
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def test_a_run_begun_elsewhere_goes_on_after_a_line_that_says_so(
    half_done: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    change(folder / "provenance.json", device="cuda", threads=4)
    done = quick_lab(*TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said, going_on = done.stdout.splitlines()[:2]
    changes = "device cuda → cpu, threads 4 → 1"
    assert said.startswith(f"lstm-T3-h32-n100-b32-s0: {changes} since the run began")
    assert "not be bitwise" in said
    assert "continuing after step" in going_on
    origin = json.loads((folder / "provenance.json").read_text())
    assert (origin["device"], origin["threads"]) == ("cpu", 1)
    assert [line.partition(": ")[2] for line in origin["changed_on_the_way"]] == [changes]


def test_a_run_that_goes_on_where_it_began_says_nothing_of_the_kind(
    half_done: Path, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    done = quick_lab(*TINY, cwd=tmp_path)
    assert done.stdout.splitlines()[0].startswith("lstm-T3-h32-n100-b32-s0: continuing after step")
    assert "changed_on_the_way" not in json.loads((folder / "provenance.json").read_text())


def test_an_older_provenance_that_lacks_a_key_is_no_other_machine() -> None:
    now = {"device": "cpu", "threads": 1, "cpu": "x", "versions": {"torch": "2.14"}}
    assert bits_changed({}, now) == []
    assert bits_changed({**now, "versions": {"torch": "2.13"}}, now) == ["torch 2.13 → 2.14"]
    assert bits_changed(now, {**now, "precision": "bf16"}) == []


def test_another_precision_gives_other_bits() -> None:
    begun, now = {"precision": "bf16"}, {"precision": "fp32"}
    assert bits_changed(begun, now) == ["precision bf16 → fp32"]


@pytest.mark.parametrize(
    ("values", "what"),
    [({"val_accuracy": None}, "has no 'val_accuracy'"), ({"val_accuracy": "all"}, "is damaged")],
)
def test_a_result_that_lacks_a_key_is_one_line_that_names_the_file(
    reference: Path, tmp_path: Path, values: dict[str, Any], what: str
) -> None:
    folder = copy_into(tmp_path, reference)
    change(folder / "result.json", **values)
    outcome = perform(compose_config(*TINY, f"out_dir={tmp_path}/outputs"), [])
    assert (outcome.kind, outcome.exit_code) == ("failed", 1)
    assert outcome.line.startswith(f"{folder / 'result.json'} {what}")
    assert "\n" not in outcome.line
