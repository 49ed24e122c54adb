"""One clear line for each way a command line can be wrong: the key, what is allowed, what is near.

Imports neither torch nor a study, so that the answer comes at once.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig

from lab.config.errors import UserError

Dirs = Sequence[str]
"""Where YAML files lie: lab's own, then the user's (`--config-dir`)."""

EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a word",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a group of keys",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
}


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing where no word is near."""
    near = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def wrong_value(error: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The line for one of pydantic's errors.

    Args:
        error: of `ValidationError.errors()`.
        keys: the keys that the study has.
    """
    where = [part for part in error["loc"] if not _is_type_name(part)]
    key, value, kind = ".".join(map(str, where)), error["input"], error["type"]
    context = error.get("ctx", {})
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return no_such_key(key, keys)
    if kind in ("missing", "missing_keyword_only"):
        return f"{key} is missing"
    if kind == "value_error":
        return (
            f"{key}.{context['error']}"
            if where and isinstance(value, dict)
            else (str(context["error"]))
        )
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        expected = ", ".join(choices)
        return (
            f"{key}={value} is not allowed: expected {expected}{did_you_mean(str(value), choices)}"
        )
    expected = EXPECTED.get(kind, error["msg"]).format(**context)
    return f"{key}={value} is not allowed: expected {expected}"


def _is_type_name(part: object) -> bool:
    """Whether pydantic put this into an error's place to name a branch of a union."""
    return isinstance(part, str) and ("[" in part or part in ("int", "float", "str", "none"))


def refuse_added_keys(conf_dirs: Dirs, overrides: Sequence[str]) -> None:
    """Refuse `+key=1` and `++key=1` where no such key stands in the composed config.

    Hydra would add the key in silence. Called inside a Hydra application.

    Raises:
        UserError: naming the key and the nearest one there is.
    """
    parsed = parse(overrides)
    added = [o for o in parsed if (o.is_add() or o.is_force_add()) and _is_key(o)]
    if not added:
        return
    known = known_keys(compose("config", _choices(conf_dirs, parsed)))
    for override in added:
        if override.key_or_group not in known:
            raise UserError(no_such_key(override.key_or_group, known))


def parse(overrides: Sequence[str]) -> list[Override]:
    """Hydra's own reading of the words of a command line."""
    return OverridesParser.create().parse_overrides(list(overrides))


def known_keys(cfg: DictConfig) -> list[str]:
    """Every key of a composed config, nested ones with dots: `optimizer.lr`."""
    keys: list[str] = []
    for key in cfg:
        name = str(key)
        keys.append(name)
        node = cfg._get_node(name)
        if isinstance(node, DictConfig):
            keys += [f"{name}.{inner}" for inner in known_keys(node)]
    return keys


def no_such_key(key: str, known: Sequence[str], owner: str = "this task") -> str:
    """The line for a key that does not exist, with the nearest ones that do."""
    parent = key.rpartition(".")[0]
    siblings = [k for k in known if k.startswith(f"{parent}.") and not k.endswith("_target_")]
    if parent and siblings:
        return f"{owner} has no key {key}; there are {', '.join(siblings)}"
    return f"{owner} has no key {key}{did_you_mean(key, known)}"


def hydra_complaint(error: Exception, conf_dirs: Dirs, overrides: Sequence[str]) -> str:
    """The line for an exception of Hydra's, whose own message may have a dozen.

    Args:
        error: what Hydra raised while it composed `overrides`.
        conf_dirs: where the YAML files lie.
    """
    first_line = str(error).strip().splitlines()[0]
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override}: {first_line}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        options = _options(conf_dirs, group)
        near = did_you_mean(option, options)
        return f"{group}={option} is no choice: expected one of {', '.join(options)}{near}"
    if "--multirun" in str(error) or "Ambiguous value" in str(error):
        return f"{first_line}: several values are a sweep, which needs -m (python -m lab -m …)"
    if isinstance(error, ConfigCompositionException):
        return _unknown_override(conf_dirs, parse(overrides)) or first_line
    return first_line


def _unknown_override(conf_dirs: Dirs, parsed: Sequence[Override]) -> str | None:
    """The first override whose key the chosen task does not have, and which task has it."""
    choices = _choices(conf_dirs, parsed)
    task = next((c.partition("=")[2] for c in choices if c.startswith("task=")), "lstm")
    known = _keys_of(conf_dirs, choices)
    for override in parsed:
        key = override.key_or_group
        if key in known or not _is_key(override):
            if _options(conf_dirs, key) and not isinstance(_first_value(override), str):
                return f"{key} is chosen by name: {', '.join(_options(conf_dirs, key))}"
            continue
        # A group that this task has too may hold other keys there: optimizer.betas.
        elsewhere = [] if key.partition(".")[0] in known else _options(conf_dirs, "task")
        for other in elsewhere:
            if other != task and key in _keys_of(conf_dirs, [f"task={other}"]):
                return f"{key} means nothing for task={task}: it is a key of task={other}"
        return no_such_key(key, known, f"task={task}")
    return None


def _is_key(override: Override) -> bool:
    """Whether it sets a key of ours, rather than one of Hydra's or a preset."""
    name = override.key_or_group
    return name != "experiment" and name.partition("/")[0].partition(".")[0] != "hydra"


def _options(conf_dirs: Dirs, group: str) -> list[str]:
    if not group:
        return []
    return sorted({path.stem for conf in conf_dirs for path in Path(conf, group).glob("*.yaml")})


def _first_value(override: Override) -> object:
    if override.is_sweep_override():
        return next(override.sweep_string_iterator())
    return override.value()


def _choices(conf_dirs: Dirs, parsed: Sequence[Override]) -> list[str]:
    """Those overrides that choose an option that exists; of a sweep, its first."""
    chosen = []
    for override in parsed:
        group, value = override.key_or_group, _first_value(override)
        if value in _options(conf_dirs, group):
            chosen.append(f"{'+' if group == 'experiment' else ''}{group}={value}")
    return chosen


def _keys_of(conf_dirs: Dirs, choices: list[str]) -> list[str]:
    """The keys that these choices compose; without those that do not go together, if any."""
    path = f"hydra.searchpath=[{','.join(f'file://{conf}' for conf in conf_dirs[1:])}]"
    with initialize_config_dir(conf_dirs[0], version_base="1.3"):
        try:
            return known_keys(compose("config", [path, *choices]))
        except HydraException:
            task = [choice for choice in choices if choice.startswith("task=")]
            return known_keys(compose("config", [path, *task]))
