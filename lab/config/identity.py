"""Which runs are the same run, although keys were added and classes have moved since.

Three rules keep the folders of earlier runs found and readable:

- A key that is added to a config later has a dataclass default, the value that gives what runs did
  before it. At that value the key is no part of the hash.
- A class that moves gets an entry in MOVED.
- An argument that is added to the YAML file of one of our components gets an entry in ADDED.

The data sets were names before they were classes: PLAIN keeps their form in the hash.

Imports nothing of a component, as a finished run is shown without torch.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

MOVED: dict[str, str] = {
    "lab.images.stacked.StackedMNIST": "lab.images.published.StackedMNIST",
    "lab.memory.min_gru.MinGRU": "lab.memory.linear_cells.MinGRU",
    "lab.memory.sequences.modular_sum.ModularSum": "lab.memory.sequences.state_tracking.ModularSum",
    "lab.memory.sequences.parity.Parity": "lab.memory.sequences.state_tracking.Parity",
    "lab.memory.sequences.selective_copying.SelectiveCopy": "lab.memory.sequences.copying."
    "SelectiveCopy",
}
"""Where a class was: where it is now."""

ADDED: dict[str, dict[str, Any]] = {
    "lab.images.folder.Folder": {"convert": False, "ground": None},
    "lab.memory.linear_cells.MinGRU": {"transition": "positive"},
    "lab.memory.sequences.state_tracking.ModularSum": {"answers": "last"},
    "lab.memory.sequences.state_tracking.Parity": {"answers": "last"},
    "lab.memory.sequences.copying.Copy": {"answers": "every"},
    "lab.memory.sequences.copying.SelectiveCopy": {"answers": "every"},
    "lab.memory.sequences.recall.Recall": {"queries": 1},
}
"""Where a component's class is now: its later arguments, each with its value in earlier runs.

A class's own default would be no safe guide: when it changes, two different runs get one hash.
"""

PLAIN: dict[str, dict[str, Any]] = {
    "lab.images.published.MNIST": {"root": None},
    "lab.images.published.FashionMNIST": {"root": None},
    "lab.images.published.KMNIST": {"root": None},
    "lab.images.published.EMNISTDigits": {"root": None},
    "lab.images.folder.Folder": {},
}
"""Components that were no classes in earlier runs: what stood there beside today's arguments."""


def identity(config: Any, not_asked_for: Collection[str]) -> str:
    """8 hex digits of what was asked for: equal configs share them, others do not.

    Args:
        config: a dataclass with an attribute `target`, the path of its class.
        not_asked_for: keys that do not make it another run.
    """
    asked = {key: value for key, value in asked_for(config).items() if key not in not_asked_for}
    return short_hash({"_target_": first_path(config.target), **asked})


def short_hash(value: object) -> str:
    """8 hex digits of the SHA-256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def upgraded(value: Any) -> Any:
    """What an older config.yaml or YAML file holds, as this version of the code would write it."""
    if isinstance(value, list):
        return [upgraded(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    values = {key: upgraded(item) for key, item in value.items()}
    target = values.get("_target_")
    if not isinstance(target, str):
        return values
    values["_target_"] = path_now(target)
    return {**values, **_missing(values)}


def path_now(path: str) -> str:
    """Where the class is that was at `path` once."""
    while path in MOVED:
        path = MOVED[path]
    return path


def first_path(path: str) -> str:
    """Where the class at `path` was in the first version: the hash has that name for ever."""
    before = {now: was for was, now in MOVED.items()}
    while path in before:
        path = before[path]
    return path


def _missing(component: Mapping[str, Any]) -> dict[str, Any]:
    """The later arguments that an older component lacks."""
    added = ADDED.get(component["_target_"], {})
    return {key: value for key, value in added.items() if key not in component}


def asked_for(config: Any) -> dict[str, Any]:
    """A config's keys in the form that is hashed, without those at their default."""
    asked = {}
    for field in dataclasses.fields(config):
        value = _hashed(getattr(config, field.name))
        if field.default is not dataclasses.MISSING and value == _hashed(field.default):
            continue
        factory = field.default_factory
        if factory is not dataclasses.MISSING and value == _hashed(factory()):
            continue
        asked[field.name] = value
    return asked


def _hashed(value: Any) -> Any:
    """Equal values in one form: 5 and 5.0, a class's old and new path, a list and a tuple."""
    if dataclasses.is_dataclass(value):
        return asked_for(value)
    if isinstance(value, Mapping):
        path = value.get("_target_")
        added = ADDED.get(path, {}) if isinstance(path, str) else {}
        kept = {k: v for k, v in value.items() if k not in added or _hashed(v) != _hashed(added[k])}
        if isinstance(path, str):
            kept["_target_"] = first_path(path)
        if path in PLAIN:
            kept = {**PLAIN[path], **kept}
            del kept["_target_"]
        return {key: _hashed(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [_hashed(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
