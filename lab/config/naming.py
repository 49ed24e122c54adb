"""A run's name: its subject, how its settings differ from the defaults, its seed, and its hash.

    lstm-T20-lr0.003-s0-1a2b3c4d

The readable part is for people, and its rules may change, because a run is found by its hash. The
hash is of all settings that make it another run. A change of the hash would orphan every run there
is; `lab.config.history` says how it outlives growth.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lab.config.history import ADDED, BEFORE_CLASSES, first_path

MOST_PARTS = 3
MOST_LETTERS = 40

NameParts = Mapping[str, tuple[str, Any]]
"""A key → its part of the name, with `{}` for the value, and its default, which gets no part.

Of a `_target_` the value is the name of the class.
"""


def name_parts(
    settings: Mapping[str, Any], parts: NameParts, first: Sequence[str] = ()
) -> list[str]:
    """Return at most three parts of a name.

    Args:
        settings: of a run, nested.
        parts: the most telling key first.
        first: what a study says by a rule of its own, which comes before them.
    """
    kept: list[str] = []
    said = [_part_of(settings, key, word, default) for key, (word, default) in parts.items()]
    for part in (re.sub(r"[^\w.-]+", "_", part) for part in (*first, *said)):
        if part and len(kept) < MOST_PARTS and len("-".join([*kept, part])) <= MOST_LETTERS:
            kept.append(part)
    return kept


def name_part(word: str, default: Any, value: Any) -> str:
    """Return the part for a value: `lr0.003`; `no_clip` for null; empty for the default."""
    if isinstance(value, str):
        value = value.rpartition(".")[2]
    if value == default:
        return ""
    return f"no_{word.format('')}" if value is None else word.format(_short(value))


def _part_of(settings: Mapping[str, Any], key: str, word: str, default: Any) -> str:
    """The part for a key with dots; empty where these settings have no such key."""
    value: Any = settings
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return ""
        value = value[name]
    return name_part(word, default, value)


def _short(value: Any) -> str:
    """5e-4 as 0.0005, [512, 256] as 512x256, ConvGenerator as conv, AdamW as adamw."""
    if isinstance(value, list | tuple):
        return "x".join(map(_short, value))
    if isinstance(value, float):
        return f"{value:g}"
    if not isinstance(value, str):
        return str(value)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", value).lower()
    return re.sub(r"_?(generator|discriminator)$", "", name) or name


def identity(config: Any, not_in_hash: Collection[str]) -> str:
    """Return the hash of a run's settings, 8 hex digits; equal configs have the same.

    Args:
        config: a dataclass with an attribute `target`, the path of its class.
        not_in_hash: the keys that do not make it another run.
    """
    hashed = {key: v for key, v in hashed_settings(config).items() if key not in not_in_hash}
    return short_hash({"_target_": first_path(config.target), **hashed})


def short_hash(value: object) -> str:
    """Return 8 hex digits of the SHA-256 of a value that JSON can write."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def hashed_settings(config: Any) -> dict[str, Any]:
    """Return a config's keys in the form that is hashed, without those at their default."""
    hashed = {}
    for field in dataclasses.fields(config):
        value = _hashed(getattr(config, field.name))
        if field.default is not dataclasses.MISSING and value == _hashed(field.default):
            continue
        factory = field.default_factory
        if factory is not dataclasses.MISSING and value == _hashed(factory()):
            continue
        hashed[field.name] = value
    return hashed


def _hashed(value: Any) -> Any:
    """Give equal values one form: 5 and 5.0, a class's old and new path, a list and a tuple."""
    if dataclasses.is_dataclass(value):
        return hashed_settings(value)
    if isinstance(value, Mapping):
        path = value.get("_target_")
        added = ADDED.get(path, {}) if isinstance(path, str) else {}
        kept = {k: v for k, v in value.items() if k not in added or _hashed(v) != _hashed(added[k])}
        if isinstance(path, str):
            kept["_target_"] = first_path(path)
        if path in BEFORE_CLASSES:
            kept = {**BEFORE_CLASSES[path], **kept}
            del kept["_target_"]
        return {key: _hashed(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [_hashed(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
