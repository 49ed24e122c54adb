"""One clear line for each way a command line can be wrong: the key, what is allowed, what is near.

Imports neither torch nor a study, so that the answer comes at once. The words for keys and values
are in `lab.config.wording`.
"""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lab.config.errors import UserError, broken_yaml, reason
from lab.config.trust import EVERYTHING, trusting
from lab.config.wording import OWN_FILE, did_you_mean, no_such_key

Dirs = Sequence[str]
"""Where YAML files lie: lab's own, then the user's (`--config-dir`)."""

PRESETS = "experiment"
"""The group of the presets, which are added: `+experiment=NAME`."""


class Options:
    """The options of each group, from lab's YAML files and the user's; each file is read once."""

    def __init__(self, conf_dirs: Dirs) -> None:
        self.conf_dirs = conf_dirs
        self._groups: dict[str, dict[str, Any]] = {}

    def names(self, group: str) -> list[str]:
        """The options of a group; empty if there is no such group."""
        folders = [Path(conf, group) for conf in self.conf_dirs if group]
        return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})

    def having(self, key: str, keys: Sequence[str]) -> list[str]:
        """The options of its group that have a key: `data=folder` for `data.root`."""
        group, _, name = key.partition(".")
        options = self._contents(group).items() if group in keys else ()
        return [f"{group}={option}" for option, values in options if name in values]

    def presets_with(self, group: str) -> list[str]:
        """The presets whose defaults list has a group that no task has: `- /bench: parity`."""
        if not self.names(group):
            return []
        return [
            preset
            for preset, values in self._contents(PRESETS).items()
            if any(isinstance(d, dict) and f"/{group}" in d for d in values.get("defaults") or ())
        ]

    def _contents(self, group: str) -> dict[str, Any]:
        """What the YAML files of a group hold, by option."""
        if group not in self._groups:
            contents: dict[str, Any] = {option: {} for option in self.names(group)}
            for conf in self.conf_dirs:
                for path in Path(conf, group).glob("*.yaml"):
                    with suppress(OSError, ValueError, yaml.YAMLError):
                        values = yaml.safe_load(path.read_text(encoding="utf-8"))
                        contents[path.stem] |= values if isinstance(values, dict) else {}
            self._groups[group] = contents
        return self._groups[group]


def refuse_repeated(overrides: Sequence[str]) -> None:
    """Refuse a command with two values of one key: Hydra would take the last in silence."""
    given: dict[tuple[str, str | None], Override] = {}
    for override in parse(overrides):
        first = given.setdefault((override.key_or_group, override.package), override)
        if first.value() != override.value():
            both = f"{first.input_line} and {override.input_line}"
            raise UserError(f"{override.key_or_group} has two values: {both}; give it one")


def refuse_added_keys(conf_dirs: Dirs, overrides: Sequence[str]) -> None:
    """Refuse `+key=1` and `++key=1` where no such key stands in the composed config.

    Hydra would add the key in silence. Called inside a Hydra application.
    """
    parsed = parse(overrides)
    added = [o for o in parsed if (o.is_add() or o.is_force_add()) and _is_key(o)]
    if not added:
        return
    options = Options(conf_dirs)
    for group in (override.key_or_group for override in added):
        presets = options.presets_with(group)
        if presets:
            raise UserError(_needs_a_preset(group, presets))
    cfg = compose("config", _choices(options, parsed))
    keys = known_keys(cfg)
    for override in added:
        key = override.key_or_group
        if key not in keys:
            having = options.having(key, keys)
            if having:
                raise UserError(_is_for(key, having, parsed))
            raise UserError(no_such_key(key, keys, f"task={cfg.get('task')}", _synonyms(cfg)))


def parse(overrides: Sequence[str]) -> list[Override]:
    """Hydra's own reading of the words of a command line."""
    return OverridesParser.create().parse_overrides(list(overrides))


def known_keys(values: Any, prefix: str = "") -> list[str]:
    """Every key of a composed config, nested ones with dots: `optimizer.lr`."""
    if isinstance(values, DictConfig):
        values = OmegaConf.to_container(values, resolve=False)
    return [
        key
        for name, value in (values.items() if isinstance(values, dict) else ())
        for key in (f"{prefix}{name}", *known_keys(value, f"{prefix}{name}."))
    ]


def hydra_complaint(
    error: Exception, conf_dirs: Dirs, overrides: Sequence[str], in_python: bool = False
) -> str:
    """The line for an exception that Hydra raised; its own message may have a dozen lines.

    Args:
        error: what was raised while Hydra composed `overrides`.
        conf_dirs: where the YAML files lie.
        in_python: whether `lab.run` was called, and no command given.
    """
    is_choice = "Config group override must be a string" in str(error)
    is_missing = isinstance(error, MissingConfigException) and bool(error.missing_cfg_file)
    if is_choice or (isinstance(error, ConfigCompositionException) and not is_missing):
        line = _unknown_override(conf_dirs, parse(overrides))
        if line is not None:
            return line
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem_mark.name} is not YAML: {broken_yaml(error)}"
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return reason(error)
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, OverrideParseException):
        override = str(error.override)
        if "=range(" in override:
            return f"cannot read {override}: 3, 4 and 5 are written range(3,6)"
        return f"cannot read {override}: {first_line}"
    if isinstance(error, MissingConfigException) and is_missing:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        if not group:
            return f"--config-name {option}: no such config; lab's own is config, the default"
        names = Options(conf_dirs).names(group)
        near = did_you_mean(option, names)
        return f"{group}={option} is not an option: expected one of {', '.join(names)}{near}"
    if "--multirun" in str(error) or "Ambiguous value" in str(error):
        return needs_a_sweep("several values are a sweep", overrides, in_python)
    return first_line


def needs_a_sweep(what: str, overrides: Sequence[str], in_python: bool) -> str:
    """The line for a sweep that was asked for as one run."""
    if in_python:
        return f"{what}, which needs lab.sweep: lab.sweep({', '.join(map(repr, overrides))})"
    return f"{what}, which needs -m: python -m lab -m {shlex.join(overrides)}"


def _unknown_override(conf_dirs: Dirs, parsed: Sequence[Override]) -> str | None:
    """The line for the first override whose key the task does not have."""
    options = Options(conf_dirs)
    choices = _choices(options, parsed)
    cfg = _composed(conf_dirs, choices)
    task, keys = cfg.get("task"), known_keys(cfg)
    for override in parsed:
        key, value = override.key_or_group, _first_value(options, override)
        if key == PRESETS and not override.is_add():
            near = did_you_mean(str(value), options.names(key))
            is_one = value in options.names(key)
            return f"a preset is added: write +{key}={value}{'' if is_one else near}"
        if key in keys or not _is_key(override):
            if options.names(key) and not isinstance(value, str):
                return f"{key} is chosen by name: {', '.join(options.names(key))}"
            continue
        presets = options.presets_with(key)
        if any(f"+{PRESETS}={name}" in choices for name in presets):
            continue
        if presets:
            return _needs_a_preset(key, presets)
        owner = f"task={task}"
        having = options.having(key, keys)
        if set(having) & set(choices):
            continue
        if having:
            return _is_for(key, having, parsed)
        line = no_such_key(key, keys, owner, _synonyms(cfg))
        # A group that this task has too may hold other keys there: optimizer.betas.
        shared = key.partition(".")[0] in keys or any(k.endswith(f".{key}") for k in keys)
        for other in [] if shared else options.names("task"):
            if other != task and key in known_keys(_composed(conf_dirs, [f"task={other}"])):
                return f"{key} means nothing for {owner}: it is a key of task={other}"
        return line
    return None


def _is_for(key: str, having: Sequence[str], parsed: Sequence[Override]) -> str:
    """The line for a key of other options; a class that is set alone brings no keys."""
    group = key.partition(".")[0]
    if any(override.key_or_group == f"{group}._target_" for override in parsed):
        return f"{key} is no key here: {OWN_FILE}"
    return f"{key} is for {' or '.join(having)}"


def _needs_a_preset(group: str, presets: Sequence[str]) -> str:
    return f"{group} is a group of {' and '.join(f'+{PRESETS}={name}' for name in presets)}"


def _synonyms(cfg: DictConfig) -> Mapping[str, str]:
    """The synonyms of keys in the task's config class."""
    from lab.config.reading import config_class

    with trusting(EVERYTHING), suppress(UserError):  # the user's own command
        return config_class(cfg.get("_target_")).SYNONYMS
    return {}


def _is_key(override: Override) -> bool:
    """Whether it sets a key of ours, rather than one of Hydra's or a preset."""
    name = override.key_or_group
    group = name.partition("/")[0]
    return group != PRESETS and group.partition(".")[0] != "hydra"


def _first_value(options: Options, override: Override) -> object:
    """The value; of a sweep its first value, or None if it has none."""
    value = override.value()
    if isinstance(value, Glob):
        return next(iter(value.filter(options.names(override.key_or_group))), None)
    if override.is_discrete_sweep():
        return next(override.sweep_string_iterator(), None)
    return None if override.is_sweep_override() else value


def _choices(options: Options, parsed: Sequence[Override]) -> list[str]:
    """The overrides that choose an existing option; of a sweep, its first value."""
    choices = []
    for override in parsed:
        group, value = override.key_or_group, _first_value(options, override)
        if value in options.names(group):
            choices.append(f"{'+' if group == PRESETS else ''}{group}={value}")
    return choices


def _composed(conf_dirs: Dirs, choices: list[str]) -> DictConfig:
    """Compose these choices, or the task alone if they do not fit together."""
    path = f"hydra.searchpath=[{','.join(f'file://{conf}' for conf in conf_dirs[1:])}]"
    with initialize_config_dir(conf_dirs[0], version_base="1.3"):
        try:
            return compose("config", [path, *choices])
        except HydraException:
            task = [choice for choice in choices if choice.startswith("task=")]
            return compose("config", [path, *task])
