"""The part of a run's name that says how its settings differ from the defaults: `lr0.003-h32`.

It is for people. A run is found by the hash at the end of its name, so these rules may change.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

MOST_WORDS = 3
MOST_LETTERS = 40

Say = Callable[[Any], str]
"""From the value of a key to a word of the name; empty for the default."""


def unless(default: Any, word: str) -> Say:
    """A word for any value but the default one.

    Args:
        default: of the key; of a component's `_target_`, the name of its class.
        word: with `{}` for the value.
    """

    def say(value: Any) -> str:
        name = _class_name(value) if isinstance(value, str) else value
        return "" if name == default else word.format(_short(name))

    return say


def differences(settings: Mapping[str, Any], telling: Mapping[str, Say]) -> list[str]:
    """At most three words, the most telling first.

    Args:
        settings: of a run, nested.
        telling: the keys that are worth a word, such as `optimizer.lr`, the most telling first.
    """
    words: list[str] = []
    for key, say in telling.items():
        value = _at(settings, key)
        word = "" if value is None else re.sub(r"[^\w.-]+", "_", say(value))
        if word and len(words) < MOST_WORDS and len("-".join([*words, word])) <= MOST_LETTERS:
            words.append(word)
    return words


def _at(settings: Mapping[str, Any], key: str) -> Any:
    """The value of a key with dots; None where there is none."""
    value: Any = settings
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _class_name(value: str) -> str:
    return value.rpartition(".")[2]


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
