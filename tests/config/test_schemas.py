"""The JSON schemas know the keys and bounds of the configs, and a value outside is one line."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.cli import compose_config
from lab.config.errors import UserError
from lab.config.reading import from_dict
from lab.config.schemas import schema_of
from tests.command_line import run_lab

STUDIES = ("lstm", "gan", "one_layer_gan")


def test_each_study_has_a_schema_with_its_keys_and_bounds(tmp_path: Path) -> None:
    done = run_lab("out", cwd=tmp_path, module="lab.config.schemas")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["out/gan.json", "out/lstm.json", "out/one_layer_gan.json"]
    schema = json.loads((tmp_path / "out/lstm.json").read_text())
    assert schema["properties"]["seq_len"]["minimum"] == 3
    assert "constant" in schema["properties"]["lr_schedule"]["enum"]
    assert schema["additionalProperties"] is False
    assert "required" not in schema


def outside(kind: dict[str, Any]) -> Iterator[Any]:
    """Values that a key of this kind refuses."""
    if kind.get("type") in ("integer", "number"):
        assert {"minimum", "exclusiveMinimum"} & kind.keys(), "a number has a bound"
        yield kind["minimum"] - 1 if "minimum" in kind else kind["exclusiveMinimum"]
        if {"maximum", "exclusiveMaximum"} & kind.keys():
            yield kind["maximum"] * 2 if "maximum" in kind else kind["exclusiveMaximum"]
        yield from ("abc", True, [1]) if kind["type"] == "number" else ("abc", True, [1], 20.5)
    elif "enum" in kind:
        yield from ("nonsense", 1)
    elif kind.get("type") == "boolean":
        yield from ("yes", 1)


@pytest.mark.parametrize("task", STUDIES)
def test_a_value_outside_its_bounds_is_refused_by_name(task: str) -> None:
    config = compose_config(f"task={task}")
    keys = schema_of(type(config), task)["properties"]
    numbers = 0
    for key in (field.name for field in dataclasses.fields(config)):
        kind = next((k for k in keys[key].get("anyOf", ()) if k["type"] != "null"), keys[key])
        for value in outside(kind):
            numbers += 1
            with pytest.raises(UserError) as error:
                from_dict({**config.to_dict(), key: value})
            assert str(error.value).startswith(f"{key}="), (key, value, str(error.value))
            assert "is not allowed: expected " in str(error.value)
            assert "\n" not in str(error.value)
    assert numbers > 60
