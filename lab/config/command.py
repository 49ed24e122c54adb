"""A command line: its flags, its overrides, and the command that makes one job of it again."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml
from omegaconf import OmegaConf

import lab
from lab.config.errors import UserError
from lab.config.wording import did_you_mean

PACKAGED = Path(lab.__file__).parent / "conf"  # in an installed wheel
CONF = str(PACKAGED if PACKAGED.is_dir() else Path(lab.__file__).parents[1] / "conf")
"""Where lab's own YAML files lie."""


# The recorded command shows or continues a run, and never deletes it.
NOT_AGAIN = ("fresh=", "dry_run=")
# `${oc.env:NAME}`; Hydra writes it with backslashes into the overrides of a sweep's job.
ENVIRONMENT = re.compile(r"\$\\?\{oc\.env\\?:(\w+)(?:\\?,[^{}\\]*)?\\?\}")
DECODE = re.compile(r"\$\\?\{oc\.decode\\?:$")
OPTION = re.compile(r"[\w*?][\w.*?-]*")
WORD = re.compile(r"[\w./~+-]+")


def as_written(node: Any) -> list[str]:
    """Hydra's record of overrides, as they were written: `hidden_size=${seq_len}`.

    Iterating over the node would resolve them.
    """
    values = OmegaConf.to_container(node, resolve=False)
    assert isinstance(values, list)
    return [str(value) for value in values]


def with_environment(override: str) -> str:
    """An override with the values of environment variables in place of their names.

    Another shell has other values, or none. A value that would mean something else without the
    interpolation around it is left as it is.
    """

    def value_of(match: re.Match[str]) -> str:
        value = os.environ.get(match[1], "")
        is_decoded = DECODE.search(override[: match.start()]) is not None
        is_safe = WORD.fullmatch(value) and (is_decoded or isinstance(yaml.safe_load(value), str))
        return value if is_safe else match[0]

    return ENVIRONMENT.sub(value_of, override)


def environment_of(overrides: Sequence[str]) -> list[str]:
    """The environment variables that overrides read, with their values: `NAME=value`."""
    names = {match[1] for word in overrides for match in ENVIRONMENT.finditer(word)}
    return [f"{name}={os.environ.get(name, '')}" for name in sorted(names)]


def command_of(hydra_cfg: Any, overrides: Sequence[str]) -> list[str]:
    """The arguments of `python -m lab` that make this job alone, also if it is one of a sweep.

    Args:
        hydra_cfg: the node `hydra` of the job's config, or of its sweep's.
        overrides: of the job.
    """
    overrides = [
        with_environment(override)
        for override in overrides
        if not override.lstrip("+").startswith(NOT_AGAIN)
    ]
    # A preset may make a sweep of every command. Hydra sets the mode itself only for one that does
    # not.
    is_sweep = hydra_cfg.mode is not None and hydra_cfg.mode.name == "MULTIRUN"
    if is_sweep and "hydra.mode=MULTIRUN" not in as_written(hydra_cfg.overrides.hydra):
        overrides.append("hydra.mode=RUN")
    return [*composing_flags(hydra_cfg.job, hydra_cfg.runtime, hydra_cfg.overrides), *overrides]


def composing_flags(job: Any, runtime: Any, overrides: Any) -> list[str]:
    """The flags that name YAML files of the user's own.

    Args:
        job, runtime, overrides: nodes of Hydra's config.
    """
    flags = []
    for source in runtime.config_sources:
        if source.provider == "command-line":
            flags += ["--config-dir", os.path.abspath(source.path)]
        elif source.provider == "main" and source.path != CONF:
            flags += ["--config-path", os.path.abspath(source.path)]
    if job.config_name != "config":
        flags += ["--config-name", job.config_name]
    words = as_written(overrides.hydra)
    return [*flags, *(o for o in words if o.lstrip("+").startswith("hydra.searchpath"))]


def own_files(runtime: Any, config_name: str, overrides: Sequence[str]) -> list[str]:
    """The contents, without comments, of the user's own YAML files that a command names.

    The same command means other jobs after such a file is edited.

    Args:
        runtime: node of Hydra's config.
        config_name: of the primary config.
        overrides: of the command; a swept group names several files.
    """
    sources = (source for source in runtime.config_sources if source.schema == "file")
    folders = [Path(source.path) for source in sources if source.path != CONF]
    pending = [("", config_name), *(runtime.get("choices") or {}).items()]
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        pending += [(key.partition("@")[0], option) for option in OPTION.findall(value)]
    contents: dict[Path, str] = {}
    while pending:
        group, option = pending.pop()
        for folder in (Path(folder, group) for folder in folders if Path(folder, group).is_dir()):
            for path in folder.glob(f"{option}.yaml"):
                if path not in contents:
                    values = _values_in(path)
                    contents[path] = str(values)
                    pending += _defaults_of(values, group)
    return [contents[path] for path in sorted(contents)]


def _values_in(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):  # Hydra says what is wrong with it
        return None


def _defaults_of(values: Any, group: str) -> list[tuple[str, str]]:
    """The groups and options in the defaults list of a YAML file of a group."""
    named = []
    for entry in (values.get("defaults") or []) if isinstance(values, dict) else []:
        for key, options in entry.items() if isinstance(entry, dict) else [("", entry)]:
            key = str(key).removeprefix("override ").partition("@")[0]
            parent = key[1:] if key.startswith("/") else f"{group}/{key}".strip("/")
            named += [
                (parent, str(o)) for o in (options if isinstance(options, list) else [options])
            ]
    return named


# Hydra's flags. Its own parser answers a mistake with its usage and exit code 2.
ALONE = {
    "--help": "-h", "--hydra-help": "", "--version": "", "--resolve": "", "--run": "-r",
    "--multirun": "-m", "--shell-completion": "-sc",
}  # fmt: skip
WITH_VALUE = {
    "--cfg": "-c", "--package": "-p", "--config-path": "-cp", "--config-name": "-cn",
    "--config-dir": "-cd", "--experimental-rerun": "",
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see lab --help")


def parse_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """The `overrides`, `config_dir` and `config_name` of a command line."""
    parser = _Parser(add_help=False)
    for flag, short in ALONE.items():
        parser.add_argument(*filter(None, (flag, short)), action="store_true")
    for flag, short in WITH_VALUE.items():
        parser.add_argument(*filter(None, (flag, short)))
    parser.add_argument("--info", "-i", nargs="?", const="all")
    parser.add_argument("overrides", nargs="*")
    given, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        raise UserError(_unknown(unknown[0], arguments))
    return given


def _unknown(word: str, arguments: Sequence[str]) -> str:
    if not word.startswith("-"):  # Hydra reads the keys in one piece
        return f"{word}: a flag separates it from other keys; write all flags first, then all keys"
    flag, equals, value = word.partition("=")
    key = flag.lstrip("-").replace("-", "_")
    behind = arguments[arguments.index(word) + 1 :]
    if not equals and behind and not behind[0].startswith("-") and "=" not in behind[0]:
        value = behind[0]
    if value:
        return f"{flag} is not a flag: write {key}={value}"
    near = did_you_mean(flag, [*ALONE, *WITH_VALUE])
    return f"{flag} is not a flag{near or f': keys are written {key}=value'}"
