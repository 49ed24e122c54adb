"""The by-hand study's task, headline and sweep figures, as lab.engine.study looks for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.by_hand.config import OneLayerConfig
from lab.config.columns import Column
from lab.config.wording import percent
from lab.engine.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.by_hand.task import OneLayerTask


def _quality(name: str, label: str, is_share: bool = False, is_objective: bool = False) -> Column:
    return Column(
        name, label, f"quality/{name}", is_share, True, name == "classifier_accuracy", is_objective
    )


_METRICS = (
    _quality(
        "classifier_accuracy", "samples read as their digit", is_share=True, is_objective=True
    ),
    _quality("fid", "FID within the class", is_objective=True),
    _quality("correlation", "correlation of mean sample and mean image"),
)
COLUMNS = (
    Column("d_loss", "loss of D", "players/d_loss", is_logged=True, in_progress=True),
    Column("g_loss", "loss of G", "players/g_loss", is_logged=True, in_progress=True),
    *_METRICS,
    _quality("d_accuracy", "accuracy of D on test images", is_share=True),
    _quality("d_train_accuracy", "accuracy of D on training images", is_share=True),
    _quality("clipped_share", "pixels of samples above 1", is_share=True),
    *(
        Column(
            f"best_{metric.name}",
            f"{metric.label}, at the best frames",
            "" if metric.name == "correlation" else f"quality/best_{metric.name}",
            metric.is_share,
            is_headline=metric.name == "fid",
            is_objective=metric.is_objective,
        )
        for metric in _METRICS
    ),
    Column("worst_best_classifier_accuracy",
           "samples of the worst digit read as it, at its best frame",
           is_share=True, is_objective=True),
    Column("seconds", "seconds of training", is_objective=True),
    Column("data", "data set"),
    Column("label", "networks and optimizer"),
    Column("epochs", "epochs of training"),
    Column("parameters", "parameters of one G"),
    Column("fid_floor", "FID of real images"),
    Column("n", "samples of each digit"),
    Column("judge", "checksum of the classifier"),
)  # fmt: skip


def build_task(config: OneLayerConfig, device: str) -> "OneLayerTask":
    """See lab.engine.study."""
    from lab.by_hand.task import OneLayerTask

    return OneLayerTask(config, device)


def headline(result: Mapping[str, Any]) -> str:
    """The quality at the end and at the best frames, with the FID of real images."""
    last, best, worst = (
        percent(result[f"{which}classifier_accuracy"]) for which in ("", "best_", "worst_best_")
    )
    return (
        f"read as their digit: {last} of samples at the end, {best} at each one's best frame (the "
        f"worst digit {worst}); FID within the class {result['fid']:.1f}, "
        f"at best {result['best_fid']:.1f} (real images {result['fid_floor']:.1f}), "
        f"{result['steps']} steps"
    )


def objective(result: Mapping[str, Any]) -> float:
    """The share of the samples that the classifier does not read as their digit."""
    return float(1 - result["classifier_accuracy"])


def sweep_figures(rows: list[dict[str, Any]]) -> "dict[str, Figure]":
    """Draw quality at the best and the last frames, and during training."""
    from lab.by_hand.figures import best_and_last, through_training

    curves = [(row["series"], RunFolder(Path(row["run"])).read_metrics()) for row in rows]
    return {"quality": best_and_last(rows), "through_training": through_training(curves)}
