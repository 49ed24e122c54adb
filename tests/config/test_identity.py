"""Which commands make the same run, also after keys were added and classes have moved."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.dataclasses import dataclass

from lab.cli import compose_config
from lab.config import STRICT, RunConfig, history, trust
from lab.config.errors import UserError
from lab.config.reading import from_dict, from_file


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BeforeConfig(RunConfig):
    """A study's config in its first version."""

    sides: int
    cell: dict[str, Any]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LaterConfig(BeforeConfig):
    """The same with keys that were added later."""

    loaded: float = 0.0
    colours: list[str] = dataclasses.field(default_factory=lambda: ["white"])


COMMON: dict[str, Any] = {
    "task": "dice", "seed": 0, "device": "auto", "threads": 1, "max_steps": None,
    "out_dir": "outputs", "fresh": False, "dry_run": False, "checkpoint_seconds": 10.0,
    "sides": 6, "cell": {"_target_": "dice.Cell", "bias": 5.0},
}  # fmt: skip
HERE = f"{__name__}."


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if BeforeConfig had become LaterConfig, and dice.Cell had moved twice."""
    monkeypatch.setitem(history.MOVED, f"{HERE}BeforeConfig", f"{HERE}LaterConfig")
    monkeypatch.setitem(history.MOVED, "dice.Cell", "dice.cells.Cell")
    monkeypatch.setitem(history.MOVED, "dice.cells.Cell", "dice.net.Cell")
    monkeypatch.setitem(history.ADDED, "dice.net.Cell", {"dropout": 0.0})
    with trust.trusting(trust.EVERYTHING):
        yield


@pytest.mark.usefixtures("moved")
def test_a_run_keeps_its_name_when_keys_are_added_and_classes_move() -> None:
    cell = {"_target_": "dice.net.Cell", "bias": 5.0, "dropout": 0.0}
    before, later = BeforeConfig(**COMMON), LaterConfig(**{**COMMON, "cell": cell})
    assert later.identity == before.identity
    assert dataclasses.replace(later, loaded=0.5).identity != before.identity
    assert dataclasses.replace(later, colours=["red"]).identity != before.identity
    assert dataclasses.replace(later, cell={**cell, "dropout": 0.1}).identity != before.identity


@pytest.mark.usefixtures("moved")
def test_an_older_config_is_upgraded_when_it_is_read_and_may_name_a_class_by_its_old_path(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"_target_": f"{HERE}BeforeConfig", **COMMON}))
    config = from_file(file)
    assert isinstance(config, LaterConfig)
    assert config.loaded == 0.0
    assert config.cell == {"_target_": "dice.net.Cell", "bias": 5.0, "dropout": 0.0}
    assert config.identity == BeforeConfig(**COMMON).identity
    values = {"_target_": f"{HERE}LaterConfig", **COMMON}
    new = {**values, "cell": {"_target_": "dice.net.Cell", "bias": 5.0}}
    assert from_dict(values) == from_dict(new)


FOLDER = ("task=gan", "data=folder")


@pytest.mark.parametrize(
    ("words", "one", "other"),
    [
        ((), "cell.forget_bias=5.0", "cell.forget_bias=5"),
        ((), "optimizer.momentum=0.0", "optimizer.momentum=0"),
        (("optimizer=adam",), "optimizer.betas=[0.0,0.9]", "optimizer.betas=[0,0.9]"),
        ((), "clip_norm=1.0", "clip_norm=1"),
        ((), "optimizer.lr=1e-2", "optimizer.lr=0.01"),
        (FOLDER, "data.root=images", "data.root={cwd}/x/../images"),
        (FOLDER, "data.root={home}/images", "data.root='~/images'"),
        ((), "device=auto", "device=cpu"),
        ((), "threads=1", "threads=2"),
    ],
)
def test_equal_values_are_one_run(words: tuple[str, ...], one: str, other: str) -> None:
    places = {"cwd": os.getcwd(), "home": os.path.expanduser("~")}
    first, second = (compose_config(*words, word.format(**places)) for word in (one, other))
    assert first.run_dir == second.run_dir


@pytest.mark.parametrize(
    "other", [["optimizer.nesterov=1"], ["optimizer.nesterov='false'"], ["optimizer.momentum=1e-9"]]
)
def test_other_values_are_other_runs(other: list[str]) -> None:
    config = compose_config("optimizer=sgd")
    changed = compose_config("optimizer=sgd", *other)
    assert changed.identity != config.identity


def test_home_is_expanded_in_out_dir() -> None:
    assert compose_config("out_dir='~/x'").run_dir.parent == Path.home() / "x/runs"
    with pytest.raises(UserError, match="there is no home folder of that name"):
        compose_config("out_dir='~no-such-user/x'")


@pytest.mark.parametrize(
    ("words", "hashed"),
    [
        ("", "b289acc1"),
        ("+experiment=b3_strong_d", "aee5a61b"), ("+experiment=b4_balanced_d", "f2ce3ad5"),
        ("+experiment=b13_convolutional", "507f659c"), ("+experiment=best_mlp", "c717b4fc"),
        ("+experiment=stacked_mnist", "413b3132"),
    ],
)  # fmt: skip
def test_the_hash_of_today_stands(words: str, hashed: str) -> None:
    """A change of a number orphans runs; a preset makes the same run whatever the defaults are."""
    assert compose_config(*words.split()).identity == hashed


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"task: caf\xe9\n", "not UTF-8 at byte 9"),
        (b"task: [lstm\n", "line 2"),
        (b"", "no _target_"),
        (b"- a\n- b\n", "no _target_"),
        (b"_target_: lab.memory.config.MemoryConfig\ntask: lstm\n", "is missing"),
        (b"_target_: lab.nowhere.Config\n", "lab.nowhere.Config"),
        (b"\x00\x01", "special characters"),
    ],
)
def test_a_config_that_cannot_be_read_is_one_line_with_file_and_remedy(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError) as error:
        from_file(file)
    line = str(error.value)
    assert reason in line
    assert str(file) in line
    assert "provenance.json makes the run again" in line
    assert "\n" not in line


def test_a_config_in_utf_8_is_read_whatever_the_locale(tmp_path: Path) -> None:
    config = compose_config("out_dir='café'")
    file = tmp_path / "config.yaml"
    file.write_bytes(yaml.safe_dump(config.to_dict(), allow_unicode=True).encode())
    assert from_file(file).out_dir == "café"


def test_no_config_at_all_is_one_line(tmp_path: Path) -> None:
    for file in (tmp_path / "nothing.yaml", tmp_path):
        with pytest.raises(UserError, match="not a run's folder") as error:
            from_file(file)
        assert str(file) in str(error.value)
