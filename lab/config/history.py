"""The past: what earlier versions wrote, and what it is read as now.

Each table is a list of dated steps, `written then → read now`, and only this module knows what was.
Three rules keep the folders of earlier runs found and readable:

- A key that is added to a config gets a dataclass default: the value that gives what runs did
  before it. At that value the key is left out of the hash (`lab.config.naming`).
- A class that moves gets an entry in MOVED. The hash keeps its first path.
- An argument that is added to the YAML file of one of our components gets an entry in ADDED.

Imports no component, because a finished run is shown without torch.
"""

from collections.abc import Mapping
from typing import Any

MOVED: dict[str, str] = {
    # 2026-12-01
    "lab.images.stacked.StackedMNIST": "lab.images.published.StackedMNIST",
    "lab.memory.min_gru.MinGRU": "lab.memory.linear_cells.MinGRU",
    "lab.memory.sequences.modular_sum.ModularSum": "lab.memory.sequences.state_tracking.ModularSum",
    "lab.memory.sequences.parity.Parity": "lab.memory.sequences.state_tracking.Parity",
    "lab.memory.sequences.selective_copying.SelectiveCopy": "lab.memory.sequences.copying."
    "SelectiveCopy",
}
"""The path of a class then → now."""

ADDED: dict[str, dict[str, Any]] = {
    # 2026-11-25 (convert), 2026-12-01 (ground)
    "lab.images.folder.Folder": {"convert": False, "ground": None},
    # 2026-12-01
    "lab.memory.linear_cells.MinGRU": {"transition": "positive"},
    "lab.memory.sequences.state_tracking.ModularSum": {"answers": "last"},
    "lab.memory.sequences.state_tracking.Parity": {"answers": "last"},
    "lab.memory.sequences.copying.Copy": {"answers": "every"},
    "lab.memory.sequences.copying.SelectiveCopy": {"answers": "every"},
    "lab.memory.sequences.recall.Recall": {"queries": 1},
}
"""The path of a component's class now → its later arguments, each with its value in earlier runs.

A class's own default would be no safe guide: when it changes, two different runs get one hash.
"""

BEFORE_CLASSES: dict[str, dict[str, Any]] = {
    # 2026-11-25
    "lab.images.published.MNIST": {"root": None},
    "lab.images.published.FashionMNIST": {"root": None},
    "lab.images.published.KMNIST": {"root": None},
    "lab.images.published.EMNISTDigits": {"root": None},
    "lab.images.folder.Folder": {},
}
"""A data set's class now → what stood beside its arguments when data sets were names, no classes.

The hash keeps that form.
"""


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
    """Where the class at `path` was in the first version: the hash keeps that name."""
    before = {now: was for was, now in MOVED.items()}
    while path in before:
        path = before[path]
    return path


def _missing(component: Mapping[str, Any]) -> dict[str, Any]:
    """The later arguments that an older component lacks."""
    added = ADDED.get(component["_target_"], {})
    return {key: value for key, value in added.items() if key not in component}


COLUMNS = {
    # 2026-11-22
    "class_balance": "class_tv",
    # 2026-12-01
    "d_right": "d_accuracy",
    "judge_share": "classifier_accuracy",
    "best_judge_share": "best_classifier_accuracy",
    "worst_best_judge_share": "worst_best_classifier_accuracy",
    "saturated": "clipped_share",
    "read_as_asked": "class_accuracy",
}
"""A column of metrics.csv then → now, and so the name that `objective=` takes."""

# 2026-11-22: results got sections.
_QUALITY = (
    "fid", "fid_bias", "n", "precision", "recall", "density", "coverage", "real_precision",
    "real_recall", "real_density", "real_coverage", "classes", "real_classes", "clear",
    "not_measured",
)  # fmt: skip
_INTERPOLATION = tuple(
    f"{measure}_{kind}"
    for measure in ("third_class", "path_length", "largest_step")
    for kind in ("linear", "spherical", "farther")
)
ENTRIES: dict[str, dict[str, tuple[str, ...]]] = {
    "gan": {
        **{name: ("quality", name) for name in _QUALITY},
        "fid_floor": ("quality", "real_fid"),
        "class_balance": ("quality", "class_tv"),
        **{name: ("players", name) for name in ("d_loss", "g_loss", "d_auc")},
        "judge": ("classifier", "checksum"),
        "judge_accuracy": ("classifier", "test_accuracy"),
        **{name: ("latent", "interpolation", name) for name in _INTERPOLATION},
        "interpolation_ends": ("latent", "interpolation", "ends"),
        # A sentence, where there was none to be drawn.
        "interpolation": ("latent", "interpolation", "not_measured"),
        "arithmetic": ("latent", "arithmetic", "not_measured"),
    }
}
"""By task: an entry of result.json then → the sections that lead to it now."""

SUM = "sum_"
"""What stood before the name of a sum among the other entries then: `sum_7-1+6`."""

SUMS = {
    "on_row": "source_row",
    "roof": "difference",
    "null_single": "random_single",
    "null_means": "random_means",
}
"""A kind of sum then → now."""


def result_now(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a result.json holds, as this version of the code would write it."""
    moved = ENTRIES.get(str(result.get("task")))
    if moved is None:
        return dict(with_todays_columns(result))
    now: dict[str, Any] = {}
    for name, value in result.items():
        if name.startswith(SUM):
            path: tuple[str, ...] = ("latent", "arithmetic", name.removeprefix(SUM))
            value = {SUMS.get(kind, kind): counts for kind, counts in value.items()}
        else:
            path = moved.get(name, (name,))
        at = now
        for section in path[:-1]:
            at = at.setdefault(section, {})
        at[path[-1]] = value
    return dict(with_todays_columns(now))


def with_todays_columns(values: Any) -> Any:
    """Return the same mapping with today's names of columns, also in mappings and lists within."""
    if isinstance(values, list):
        return [with_todays_columns(value) for value in values]
    if not isinstance(values, Mapping):
        return values
    return {COLUMNS.get(name, name): with_todays_columns(value) for name, value in values.items()}
