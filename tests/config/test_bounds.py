"""Every number of every config has a bound, and a value outside is one line that names its key."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from lab.cli import compose_config
from lab.config.errors import UserError
from lab.config.reading import from_dict

STUDIES = ("lstm", "gan", "one_layer_gan")


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
    keys = TypeAdapter(type(config)).json_schema()["properties"]
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
