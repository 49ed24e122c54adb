"""The jobs of a sweep, known before the first of them begins.

Called inside a Hydra application. Nothing here needs torch.
"""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from lab.config import RunConfig
from lab.config.command import as_written
from lab.config.errors import UserError
from lab.config.reading import from_hydra
from lab.sweeps.search import knows_its_jobs, list_params


def jobs_of(config: DictConfig) -> list[list[str]] | None:
    """Return the overrides of each job of a sweep; equal jobs once.

    Args:
        config: what Hydra composed for the sweep, with its `hydra` keys.

    Returns:
        None where the sweeper chooses the jobs as it goes, as a search does.
    """
    overrides = as_written(config.hydra.overrides.task)
    parsed = _parse(overrides)
    _refuse_swept_sweeps(config, parsed)
    preset = _parse([f"{key}={value}" for key, value in _params(config).items()])
    swept = {o.key_or_group: o.input_line for o in (*preset, *parsed) if o.is_sweep_override()}
    for key, words in {**list_params(config), **swept}.items():
        if key in RunConfig.NOT_IN_HASH:
            raise UserError(
                f"{words}: this key makes no other run, so there is nothing to sweep; "
                "give it one value"
            )
    if not knows_its_jobs(config.hydra.sweeper):
        return None
    choices: dict[str, list[str]] = {}
    # As in Hydra, values of the command line replace those of a preset.
    for override in (*preset, *parsed):
        key = override.get_key_element()
        if override.is_discrete_sweep():
            values = list(override.sweep_string_iterator())
            if not values:
                raise UserError(f"{override.input_line} has no values, so there is no job")
        elif override.is_sweep_override():
            raise UserError(
                f"{override.input_line}: an interval is for a search (hydra/sweeper=optuna); "
                "a sweep takes values: a,b,c or range(1,5)"
            )
        else:
            values = [override.get_value_element_as_str()]
        choices[key] = [f"{key}={value}" for value in values]
    return [list(job) for job in dict.fromkeys(itertools.product(*choices.values()))]


def fixed_of(config: DictConfig) -> list[list[str]]:
    """Return what all trials of a search share, and the same with each first listed value.

    Both are invalid only if no trial has a valid config.
    """
    parsed = _parse(as_written(config.hydra.overrides.task))
    fixed = [str(o.input_line) for o in parsed if not o.is_sweep_override()]
    listed = [o for o in parsed if o.is_discrete_sweep()]
    firsts = [f"{o.get_key_element()}={next(o.sweep_string_iterator(), '')}" for o in listed]
    return [fixed, [*fixed, *firsts]]


def refuse_fractions(config: DictConfig) -> None:
    """Refuse a search of fractions for a key that takes integers, as each trial would fail."""
    fixed = fixed_of(config)[-1]
    preset = _parse([f"{key}={value}" for key, value in _params(config).items()])
    for override in (*preset, *_parse(as_written(config.hydra.overrides.task))):
        interval, key = override.value(), override.key_or_group
        if not isinstance(interval, IntervalSweep):
            continue
        start, end = interval.start, interval.end
        if not isinstance(start, float) or not isinstance(end, float):
            continue
        fraction = f"{key}={start + (end - start) / math.e}"
        job = [*(word for word in fixed if not word.startswith(f"{key}=")), fraction]
        (trial,) = configs_of(config.hydra.job.config_name, [job])
        if str(trial) == f"{fraction} is not allowed: expected an integer":
            raise UserError(
                f"{override.input_line} gives fractions, and {key} takes integers: write "
                f"{key}=int(interval({start:g},{end:g}))"
            )


def configs_of(
    config_name: str, jobs: Sequence[Sequence[str]], sweep: DictConfig | None = None
) -> Iterator[RunConfig | UserError]:
    """Yield the config of each job, or the error that says which value is wrong.

    Hydra composes once for each choice of YAML files, which takes a tenth of a second; other values
    are then set in what it composed: each job sets the same keys.

    Args:
        config_name: of the primary config.
        jobs: the overrides of each, of the same keys.
        sweep: what Hydra composed for the sweep. It serves the jobs that choose no YAML file of
            their own.

    Raises:
        HydraException: a job has a key or an option that there is not.
    """
    composed: dict[tuple[str, ...], DictConfig] = {}
    overrides = dict.fromkeys(word for job in jobs for word in job)
    parsed = dict(zip(overrides, _parse(list(overrides)), strict=True))
    loader = GlobalHydra.instance().config_loader()
    keys = {override.key_or_group for override in parsed.values()}
    groups = {key for key in keys if loader.get_group_options(key)}
    plain = {word: override for word, override in parsed.items() if _is_plain(override, groups)}
    given = as_written(sweep.hydra.overrides.task) if sweep is not None else []
    for job in jobs:
        choices = tuple(word for word in job if word not in plain)
        if choices not in composed:
            composed[choices] = (
                _without_hydra(sweep)
                if sweep is not None and set(choices) <= set(given)
                else compose(config_name, list(job))
            )
        cfg = composed[choices]
        for override in (plain[word] for word in job if word in plain):
            OmegaConf.update(cfg, override.key_or_group, override.value())
        try:
            yield from_hydra(cfg)
        except UserError as error:
            yield error


def _without_hydra(sweep: DictConfig) -> DictConfig:
    config = sweep.copy()
    with open_dict(config):
        del config["hydra"]
    return config


def _parse(overrides: Sequence[str]) -> list[Override]:
    loader = GlobalHydra.instance().config_loader()
    return OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))


def _is_plain(override: Override, groups: Collection[str]) -> bool:
    """Whether it sets a value and chooses no YAML file; a mapping is merged with what is there."""
    changes = override.is_add() or override.is_force_add() or override.is_delete()
    is_mapping = isinstance(override.value(), dict)
    return not (changes or is_mapping or override.package or override.key_or_group in groups)


def _params(config: DictConfig) -> Mapping[str, str]:
    return OmegaConf.select(config, "hydra.sweeper.params") or {}


def _refuse_swept_sweeps(config: DictConfig, parsed: Sequence[Override]) -> None:
    """Refuse to sweep over presets that sweep themselves: Hydra would drop their sweeps."""
    for override in parsed:
        if override.key_or_group != "experiment" or not override.is_sweep_override():
            continue
        for name in override.sweep_string_iterator():
            try:
                alone = compose(
                    config.hydra.job.config_name, [f"+experiment={name}"], return_hydra_config=True
                )
            except HydraException:  # the sweeper reports it
                continue
            if _params(alone) != _params(config):
                raise UserError(
                    f"{override.input_line}: {name} is a sweep already, which cannot be swept "
                    "over; give each such preset a command of its own"
                )
            plain = compose(config.hydra.job.config_name, return_hydra_config=True)
            for kind in ("launcher", "sweeper"):
                if alone.hydra[kind] not in (plain.hydra[kind], config.hydra[kind]):
                    raise UserError(
                        f"{override.input_line}: {name} sets hydra.{kind}, which has no effect "
                        f"where presets are swept over; set it on the command line"
                    )
