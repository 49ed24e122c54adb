"""How earlier versions called what a result and a metrics.csv hold.

Old folders are read with the names of today. Only this module knows the others.
"""

from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "class_balance": "class_tv",
    "d_right": "d_accuracy",
    "judge_share": "classifier_accuracy",
    "best_judge_share": "best_classifier_accuracy",
    "worst_best_judge_share": "worst_best_classifier_accuracy",
    "saturated": "clipped_share",
    "read_as_asked": "class_accuracy",
}
"""Of metrics.csv, and so of `objective=`."""

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
"""Where an entry of a result is now, by the task and its earlier name."""

SUM = "sum_"
"""Before the names of sums, which stood beside the other entries: `sum_7-1+6`."""

SUMS = {
    "on_row": "source_row",
    "roof": "difference",
    "null_single": "random_single",
    "null_means": "random_means",
}
"""The kinds of sums."""


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
    """The same mapping with today's names of columns, also in mappings and lists within."""
    if isinstance(values, list):
        return [with_todays_columns(value) for value in values]
    if not isinstance(values, Mapping):
        return values
    return {COLUMNS.get(name, name): with_todays_columns(value) for name, value in values.items()}
