"""A run that is gone on with or shown where the last bits come out otherwise; a damaged result."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab.cli import compose_config
from lab.engine.jobs import perform
from lab.engine.provenance import bits_changed
from tests.command_line import Walked
from tests.run_files import copy_into
from tests.walk import CONF, WALK


def change(file: Path, **values: Any) -> None:
    """Set keys of a JSON file; None removes one."""
    content = {**json.loads(file.read_text()), **values}
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def test_a_run_begun_elsewhere_goes_on_after_a_line_that_says_so(
    half_done: Path, walk: Walked, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    change(folder / "provenance.json", device="cuda", threads=4)
    said, going_on = walk()[1].splitlines()[:2]
    changes = "device cuda → cpu, threads 4 → 1"
    assert said.startswith(f"walk-s0: {changes} since the run began")
    assert "not be bitwise" in said
    assert "continuing after step" in going_on
    origin = json.loads((folder / "provenance.json").read_text())
    assert (origin["device"], origin["threads"]) == ("cpu", 1)
    assert [line.partition(": ")[2] for line in origin["changed_on_the_way"]] == [changes]


def test_a_run_that_goes_on_where_it_began_says_nothing_of_the_kind(
    half_done: Path, walk: Walked, tmp_path: Path
) -> None:
    folder = copy_into(tmp_path, half_done)
    assert walk()[1].splitlines()[0].startswith("walk-s0: continuing after step")
    assert "changed_on_the_way" not in json.loads((folder / "provenance.json").read_text())


def test_a_provenance_that_lacks_a_key_is_no_other_machine_and_another_precision_is() -> None:
    now = {"device": "cpu", "threads": 1, "cpu": "x", "versions": {"torch": "2.14"}}
    assert bits_changed({}, now) == []
    assert bits_changed({**now, "versions": {"torch": "2.13"}}, now) == ["torch 2.13 → 2.14"]
    assert bits_changed(now, {**now, "precision": "bf16"}) == []
    assert bits_changed({"precision": "bf16"}, {"precision": "fp32"}) == ["precision bf16 → fp32"]


@pytest.mark.parametrize(
    ("values", "what"),
    [({"seen": None}, "has no 'seen'"), ({"seen": "all"}, "is damaged")],
)
def test_a_result_that_lacks_a_key_is_one_line_that_names_the_file(
    reference: Path, tmp_path: Path, values: dict[str, Any], what: str
) -> None:
    folder = copy_into(tmp_path, reference)
    change(folder / "result.json", **values)
    outcome = perform(compose_config(*WALK, f"out_dir={tmp_path}/outputs", config_dir=CONF), [])
    assert (outcome.kind, outcome.exit_code) == ("failed", 1)
    assert outcome.line.startswith(f"{folder / 'result.json'} {what}")
    assert "\n" not in outcome.line
