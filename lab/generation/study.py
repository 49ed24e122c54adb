"""The generation study's task, headline and sweep figures, as lab.engine.study looks for them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lab.engine.results import entry
from lab.generation.config import GanConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from lab.generation.task import GanTask

HEADLINE = ("fid", "recall", "classes")
DRAWN = ("fid", "real_fid", "recall", "real_recall", "n")


def build_task(config: GanConfig, device: str) -> "GanTask":
    """See lab.engine.study."""
    from lab.generation.task import GanTask

    return GanTask(config, device)


def headline(result: Mapping[str, Any]) -> str:
    """The quality of the samples, with the values of real images."""
    quality = result.get("quality", {})
    if "fid" not in quality:
        reason = quality.get("not_measured", "no labels")
        return f"{result['steps']} steps (no quality metrics: {reason})"
    return (
        f"FID {quality['fid']:.2f} in the classifier's features at n={quality['n']:,} "
        f"(real images {quality['real_fid']:.2f}), recall {quality['recall']:.2f} "
        f"(real {quality['real_recall']:.2f}), {_classes(quality)}, "
        f"{result['steps']} steps{_warned(result)}"
    )


def _classes(quality: Mapping[str, Any]) -> str:
    """The number of classes that are made; if there are known modes, those and their KL."""
    if "modes" not in quality:
        return f"{quality['classes']} classes"
    return f"modes {quality['modes']:,} with KL {quality['mode_kl']:.3f}"


def _warned(result: Mapping[str, Any]) -> str:
    count = len(result.get("warnings", ()))
    return "" if not count else f", {count} {'warning' if count == 1 else 'warnings'}"


def objective(result: Mapping[str, Any]) -> float | None:
    """The FID; None if the data have no labels and so no classifier."""
    fid: float | None = result.get("quality", {}).get("fid")
    return fid


def sweep_figures(rows: list[dict[str, Any]]) -> "dict[str, Figure]":
    """Draw FID and recall of each setting."""
    from lab.generation.figures import sweep_quality

    measured = [
        {"series": row["series"], **{name: entry(row, name) for name in DRAWN}}
        for row in rows
        if entry(row, "fid") is not None
    ]
    return {"quality": sweep_quality(measured)} if measured else {}


def load_network(
    config: GanConfig, weights: "dict[str, Tensor]", result: Mapping[str, Any]
) -> "nn.Module":
    """See lab.engine.study."""
    from lab.generation.finished import load_generator

    return load_generator(config.generator, weights, result)
