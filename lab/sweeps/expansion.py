"""The configs of a command's jobs, without running any of them."""

import copy
import itertools
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from lab.cli import CONF
from lab.config import RunConfig
from lab.config.hydra_versions import VERSION_BASE
from lab.config.reading import from_hydra


def configs_of(command: str) -> Iterator[RunConfig]:
    """The config of each job of `python -m lab COMMAND`.

    A sweep is composed once for each choice of groups: a hundred values take a second, not ten.

    Args:
        command: what follows `python -m lab`, with `-m` and `--config-dir DIR` or without.

    Raises:
        UserError: a value is wrong.
        HydraException: a key or an option does not exist.
    """
    given, conf_dir = words_of(command)
    with hydra.initialize_config_dir(CONF, **VERSION_BASE):
        fixed, swept = _split(given)
        if conf_dir is not None:
            fixed.append(f"hydra.searchpath=[{Path(conf_dir).absolute()}]")
        conf_dirs = [CONF] if conf_dir is None else [CONF, conf_dir]
        for chosen, plain in _choices(swept, conf_dirs):
            base = hydra.compose("config", fixed + chosen, return_hydra_config=True)
            params = base.hydra.sweeper.get("params") or {}
            # The command line's values take the place of a preset's.
            preset = [f"{k}={v}" for k, v in params.items() if k not in _keys(given)]
            preset_fixed, preset_swept = _split(preset)
            with open_dict(base):
                del base["hydra"]
            for more, values in _choices(preset_swept, conf_dirs):
                if more or preset_fixed:
                    base = hydra.compose("config", fixed + chosen + preset_fixed + more)
                yield from _of_values(base, {**values, **plain})


def words_of(command: str) -> tuple[list[str], str | None]:
    """The overrides of a command, and the folder of its `--config-dir`."""
    words = [word for word in shlex.split(command) if word != "-m"]
    if "--config-dir" not in words:
        return words, None
    at = words.index("--config-dir")
    return words[:at] + words[at + 2 :], words[at + 1]


def _choices(
    swept: dict[str, list[str]], conf_dirs: Sequence[str]
) -> Iterator[tuple[list[str], dict[str, list[str]]]]:
    """Each choice of the swept groups as overrides, with the swept keys that are no groups."""
    groups = {key: values for key, values in swept.items() if _is_group(key, conf_dirs)}
    plain = {key: values for key, values in swept.items() if key not in groups}
    for choice in itertools.product(*groups.values()):
        yield [f"{key}={value}" for key, value in zip(groups, choice, strict=True)], plain


def _of_values(base: DictConfig, plain: dict[str, list[str]]) -> Iterator[RunConfig]:
    """A config for each combination of plain values; no other key depends on the seed."""
    seeds = plain.get("seed", [])
    others = {key: values for key, values in plain.items() if key != "seed"}
    for values in itertools.product(*others.values()):
        cfg = copy.deepcopy(base) if others else base
        for key, value in zip(others, values, strict=True):
            OmegaConf.update(cfg, key, OmegaConf.from_dotlist([f"x={value}"]).x)
        config = from_hydra(cfg)
        yield from (replace(config, seed=int(seed)) for seed in seeds) if seeds else [config]


def _keys(overrides: list[str]) -> set[str]:
    return {override.partition("=")[0] for override in overrides}


def _is_group(key: str, conf_dirs: Sequence[str]) -> bool:
    return any(Path(conf, key.lstrip("+")).is_dir() for conf in conf_dirs)


def _split(overrides: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The overrides that give one value, and the values of those that give several."""
    fixed, swept = [], {}
    for override in OverridesParser.create().parse_overrides(overrides):
        if override.is_sweep_override():
            swept[override.get_key_element()] = list(override.sweep_string_iterator())
        else:
            fixed.append(override.input_line)
    return fixed, swept  # type: ignore[return-value]
