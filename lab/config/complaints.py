"""One clear line for each way a command line can be wrong: the key, what is allowed, what is near.

Imports neither torch nor a study, so that the answer comes at once. The words for keys and values
are in `lab.config.wording`.
"""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

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
from lab.config.hydra_versions import VERSION_BASE
from lab.config.trust import EVERYTHING, trusting
from lab.config.wording import OWN_FILE, did_you_mean, no_such_key

Dirs = Sequence[str]
"""Where YAML files lie: lab's own, then the user's (`--config-dir`)."""

PRESETS = "experiment"
"""The group of the presets, which are added: `+experiment=NAME`."""


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
    for group in (override.key_or_group for override in added):
        presets = _presets_with(conf_dirs, group)
        if presets:
            raise UserError(_needs_a_preset(group, presets))
    cfg = compose("config", _choices(conf_dirs, parsed))
    known = known_keys(cfg)
    for override in added:
        key = override.key_or_group
        if key not in known:
            having = _options_with(conf_dirs, key, known)
            if having:
                raise UserError(_is_for(key, having, parsed))
            raise UserError(no_such_key(key, known, synonyms=_synonyms(cfg)))


def parse(overrides: Sequence[str]) -> list[Override]:
    """Hydra's own reading of the words of a command line."""
    return OverridesParser.create().parse_overrides(list(overrides))


def known_keys(cfg: DictConfig) -> list[str]:
    """Every key of a composed config, nested ones with dots: `optimizer.lr`."""
    return _nested_keys(OmegaConf.to_container(cfg, resolve=False))


def _nested_keys(values: object, prefix: str = "") -> list[str]:
    if not isinstance(values, dict):
        return []
    return [
        key
        for name, value in values.items()
        for key in (f"{prefix}{name}", *_nested_keys(value, f"{prefix}{name}."))
    ]


def hydra_complaint(
    error: Exception, conf_dirs: Dirs, overrides: Sequence[str], in_python: bool = False
) -> str:
    """The line for an exception of Hydra's, whose own message may have a dozen, or for any other.

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
        options = _options(conf_dirs, group)
        near = did_you_mean(option, options)
        return f"{group}={option} is not an option: expected one of {', '.join(options)}{near}"
    if first_line.startswith("hydra.mode changed"):  # Hydra 1.4 takes no preset's word for it
        return needs_a_sweep("this preset is a sweep", overrides, in_python)
    if "--multirun" in str(error) or "Ambiguous value" in str(error):
        return needs_a_sweep("several values are a sweep", overrides, in_python)
    return first_line


def needs_a_sweep(what: str, overrides: Sequence[str], in_python: bool) -> str:
    """The line for a sweep that was asked for as one run."""
    if in_python:
        return f"{what}, which needs lab.sweep: lab.sweep({', '.join(map(repr, overrides))})"
    return f"{what}, which needs -m: python -m lab -m {shlex.join(overrides)}"


def _unknown_override(conf_dirs: Dirs, parsed: Sequence[Override]) -> str | None:
    """The first override whose key the chosen task does not have, and what has it."""
    choices = _choices(conf_dirs, parsed)
    cfg = _composed(conf_dirs, choices)
    task, known = cfg.get("task"), known_keys(cfg)
    for override in parsed:
        key, value = override.key_or_group, _first_value(conf_dirs, override)
        if key == PRESETS and not override.is_add():
            near = did_you_mean(str(value), _options(conf_dirs, key))
            is_one = value in _options(conf_dirs, key)
            return f"a preset is added: write +{key}={value}{'' if is_one else near}"
        if key in known or not _is_key(override):
            if _options(conf_dirs, key) and not isinstance(value, str):
                return f"{key} is chosen by name: {', '.join(_options(conf_dirs, key))}"
            continue
        presets = _presets_with(conf_dirs, key)
        if any(f"+{PRESETS}={name}" in choices for name in presets):
            continue
        if presets:
            return _needs_a_preset(key, presets)
        owner = f"task={task}"
        having = _options_with(conf_dirs, key, known)
        if set(having) & set(choices):
            continue
        if having:
            return _is_for(key, having, parsed)
        line = no_such_key(key, known, owner, _synonyms(cfg))
        # A group that this task has too may hold other keys there: optimizer.betas.
        shared = key.partition(".")[0] in known or any(k.endswith(f".{key}") for k in known)
        for other in [] if shared else _options(conf_dirs, "task"):
            if other != task and key in known_keys(_composed(conf_dirs, [f"task={other}"])):
                return f"{key} means nothing for {owner}: it is a key of task={other}"
        return line
    return None


def _options_with(conf_dirs: Dirs, key: str, known: Sequence[str]) -> list[str]:
    """The options of its group that have a key: `data=folder` for `data.root`."""
    group, _, name = key.partition(".")
    having = []
    for option in _options(conf_dirs, group) if group in known else []:
        for file in (Path(conf, group, f"{option}.yaml") for conf in conf_dirs):
            with suppress(OSError, yaml.YAMLError):
                if name in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}):
                    having.append(f"{group}={option}")
    return having


def _is_for(key: str, having: Sequence[str], parsed: Sequence[Override]) -> str:
    """The line for a key of other options; a class that is set alone brings no keys."""
    group = key.partition(".")[0]
    if any(override.key_or_group == f"{group}._target_" for override in parsed):
        return f"{key} is no key here: {OWN_FILE}"
    return f"{key} is for {' or '.join(having)}"


def _presets_with(conf_dirs: Dirs, group: str) -> list[str]:
    """The presets that bring a group which no task has, such as `bench`."""
    if not _options(conf_dirs, group):
        return []
    return [name for name in _options(conf_dirs, PRESETS) if _brings(conf_dirs, name, group)]


def _needs_a_preset(group: str, presets: Sequence[str]) -> str:
    return f"{group} is a group of {' and '.join(f'+{PRESETS}={name}' for name in presets)}"


def _brings(conf_dirs: Dirs, preset: str, group: str) -> bool:
    """Whether a preset adds a group with its defaults: `- /bench: parity`."""
    for file in (Path(conf, PRESETS, f"{preset}.yaml") for conf in conf_dirs):
        with suppress(OSError, yaml.YAMLError):
            defaults = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("defaults", [])
            if any(isinstance(one, dict) and f"/{group}" in one for one in defaults):
                return True
    return False


def _synonyms(cfg: DictConfig) -> Mapping[str, str]:
    """Other words for keys that the task's config class knows."""
    from lab.config.reading import config_class

    with trusting(EVERYTHING), suppress(UserError):  # the user's own command
        return config_class(cfg.get("_target_")).SYNONYMS
    return {}


def _is_key(override: Override) -> bool:
    """Whether it sets a key of ours, rather than one of Hydra's or a preset."""
    name = override.key_or_group
    group = name.partition("/")[0]
    return group != PRESETS and group.partition(".")[0] != "hydra"


def _options(conf_dirs: Dirs, group: str) -> list[str]:
    if not group:
        return []
    return sorted({path.stem for conf in conf_dirs for path in Path(conf, group).glob("*.yaml")})


def _first_value(conf_dirs: Dirs, override: Override) -> object:
    """The value; of a sweep its first, or None where it has none."""
    value = override.value()
    if isinstance(value, Glob):
        return next(iter(value.filter(_options(conf_dirs, override.key_or_group))), None)
    if override.is_discrete_sweep():
        return next(override.sweep_string_iterator(), None)
    return None if override.is_sweep_override() else value


def _choices(conf_dirs: Dirs, parsed: Sequence[Override]) -> list[str]:
    """Those overrides that choose an option that exists; of a sweep, its first."""
    chosen = []
    for override in parsed:
        group, value = override.key_or_group, _first_value(conf_dirs, override)
        if value in _options(conf_dirs, group):
            chosen.append(f"{'+' if group == PRESETS else ''}{group}={value}")
    return chosen


def _composed(conf_dirs: Dirs, choices: list[str]) -> DictConfig:
    """What these choices compose; without those that do not go together, if any."""
    path = f"hydra.searchpath=[{','.join(f'file://{conf}' for conf in conf_dirs[1:])}]"
    with initialize_config_dir(conf_dirs[0], **VERSION_BASE):
        try:
            return compose("config", [path, *choices])
        except HydraException:
            task = [choice for choice in choices if choice.startswith("task=")]
            return compose("config", [path, *task])
