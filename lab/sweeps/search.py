"""A search: a sweep in which earlier objectives decide the next trials."""

import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf, open_dict

from lab.config.base import flatten
from lab.config.errors import UserError
from lab.config.wording import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
MOST_KEYS = 4
Record = Mapping[str, Any]


def knows_its_jobs(sweeper: Any) -> bool:
    """Whether it is Hydra's own sweeper, which tries every combination.

    Args:
        sweeper: Hydra's node of that name.
    """
    return bool(sweeper._target_ == BASIC)


def direction_of(sweeper: Any) -> str | None:
    """Return `minimize` or `maximize`; None if the sweeper does not search.

    Args:
        sweeper: Hydra's node of that name.
    """
    direction = OmegaConf.select(sweeper, "direction")
    return None if direction is None else str(direction)


def suit_plugin(hydra_cfg: DictConfig) -> None:
    """Give the plugin the arguments that its version and its sampler need.

    Args:
        hydra_cfg: Hydra's node, with Optuna's sweeper.
    """
    sweeper = hydra_cfg.sweeper
    with open_dict(sweeper):
        sweeper.search_space = None
        if sweeper.n_jobs is None:
            # Other samplers choose a trial by the results of those before it.
            is_blind = str(sweeper.sampler._target_).endswith((".RandomSampler", ".GridSampler"))
            sweeper.n_jobs = OmegaConf.select(hydra_cfg, "launcher.n_jobs") if is_blind else 1


def list_params(config: DictConfig) -> dict[str, str]:
    """The keys whose values the plugin hydra-list-sweeper pairs, as `key=[…]`; of others none.

    Args:
        config: what Hydra composed. `list_params` in it gets keys with dots, as the plugin wants.
    """
    params = OmegaConf.select(config, "hydra.sweeper.list_params")
    if not params:
        return {}
    paired: Any = flatten(OmegaConf.to_container(params, resolve=True))  # type: ignore[arg-type]
    values = {key: value if isinstance(value, list) else [value] for key, value in paired.items()}
    if len({len(value) for value in values.values()}) > 1:
        lengths = ", ".join(f"{len(value)} of {key}" for key, value in values.items())
        raise UserError(f"the list sweeper pairs values, so there must be equally many: {lengths}")
    with open_dict(config):
        config.hydra.sweeper.list_params = values
    return {key: f"{key}={shown(value)}" for key, value in values.items()}


def be_quiet() -> None:
    """Keep Optuna's lines about trials from the terminal."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("hydra_plugins").setLevel(logging.CRITICAL)


COUNT = (lambda value: isinstance(value, int) and value >= 1, "an integer, at least 1")
ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "n_trials": COUNT,
    "n_jobs": COUNT,
    "max_failure_rate": (
        lambda value: isinstance(value, int | float) and 0 <= value <= 1, "a number from 0 to 1",
    ),
    "storage": (
        lambda value: "://" in str(value),
        "a database's URL, such as sqlite:///search.db, or null",
    ),
}  # fmt: skip
"""The sweeper's settings with which Optuna's plugin fails late, or never ends."""


def refuse_wrong_settings(sweeper: DictConfig) -> None:
    """Refuse values that are not ALLOWED."""
    for key, (is_allowed, expected) in ALLOWED.items():
        value = OmegaConf.select(sweeper, key)
        if value is not None and not is_allowed(value):
            raise UserError(f"hydra.sweeper.{key}={value} is not allowed: expected {expected}")


def is_only_its_end(error: Exception) -> bool:
    """Whether an error of Optuna's plugin only says that the last trial failed, or that all did.

    The plugin expects an objective of a grid's last trial, and of one trial at least.
    """
    is_grids = isinstance(error, RuntimeError) and "`Study.stop` is supposed" in str(error)
    return is_grids or (isinstance(error, ValueError) and "No trials are completed" in str(error))


def best_lines(
    records: Sequence[Record], direction: str, command_of: Callable[[Record], str]
) -> list[str]:
    """Return lines about the best trial: its arguments, its objective and its command.

    Args:
        records: of the trials.
        direction: minimize or maximize.
        command_of: returns a trial's command.
    """
    trials = [record for record in records if record.get("objective") is not None]
    if not trials:
        return ["best: none, because no trial has an objective"]
    pick = max if direction == "maximize" else min
    best = pick(trials, key=lambda record: record["objective"])
    in_all = set.intersection(*(set(record["overrides"]) for record in records))
    own = [word for word in best["overrides"] if word not in in_all] or best["overrides"]
    return [
        f"best: trial {best['number']} of {len(records)}, objective {best['objective']:.6g}: "
        f"{' '.join(own)}",
        f"      {command_of(best)}",
    ]


def figure(records: Sequence[Record], varied: Sequence[str]) -> "Figure | None":
    """Draw the objective against the trial and against each searched key; None if there is none.

    Args:
        records: of a sweep's jobs.
        varied: the keys whose value differs between them.
    """
    trials = [record for record in records if record.get("objective") is not None]
    if not trials:
        return None
    from lab.figures import plots

    keys = list(varied)[:MOST_KEYS]
    is_max = trials[0].get("direction") == "maximize"
    drawing, axes = plots.new_figure(
        f"Search: {len(trials)} trials, {'larger' if is_max else 'smaller'} is better",
        panels=1 + len(keys),
    )
    objectives = [float(record["objective"]) for record in trials]
    numbers = [int(record["number"]) for record in trials]
    best = objectives.index(max(objectives) if is_max else min(objectives))
    so_far = list(itertools.accumulate(objectives, max if is_max else min))
    axes[0].step(numbers, so_far, where="post", color=plots.COLOURS[1], label="best so far")
    columns: list[tuple[str, list[Any]]] = [("trial", numbers)]
    for key in keys:
        columns.append((key, _values(trials, key)))
    for axis, (name, values) in zip(axes, columns, strict=True):
        axis.plot(values, objectives, "o", color=plots.COLOURS[0], markersize=4)
        axis.plot(
            values[best : best + 1], objectives[best : best + 1], "D",
            color=plots.COLOURS[1], label="best",
        )  # fmt: skip
        axis.set_xlabel(name)
        if _is_wide(values) and name != "trial":
            axis.set_xscale("log")
        if _is_wide(objectives):
            plots.log_axis(axis)
    axes[0].set_ylabel("objective")
    axes[0].legend(frameon=False, fontsize=9)
    return drawing


def _values(records: Sequence[Record], key: str) -> list[Any]:
    """Return a key's values as numbers, or as text if one of them is not a number."""
    texts = []
    for record in records:
        given = dict(word.lstrip("+").partition("=")[::2] for word in record["overrides"])
        texts.append(given.get(key, ""))
    try:
        return [float(text) for text in texts]
    except ValueError:
        return texts


def _is_wide(values: Sequence[Any]) -> bool:
    """Whether positive numbers spread over more than a decade and a half."""
    if not all(isinstance(value, int | float) and value > 0 for value in values):
        return False
    return bool(max(values) > 30 * min(values))
