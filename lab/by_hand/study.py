"""The by-hand study's task, headline and sweep figures, as lab.engine.study looks for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.by_hand.config import OneLayerConfig
from lab.config.wording import percent
from lab.engine.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.by_hand.task import OneLayerTask

HEADLINE = ("judge_share", "best_fid")
METRICS = {
    "judge_share": "samples read as their digit",
    "fid": "FID within the class",
    "correlation": "correlation of mean sample and mean image",
}
READABLE = {
    "data": "data set",
    "label": "networks and optimizer",
    "epochs": "epochs of training",
    "parameters": "parameters of one G",
    "d_loss": "loss of D",
    "g_loss": "loss of G",
    **METRICS,
    "d_accuracy": "accuracy of D on test images",
    "d_train_accuracy": "accuracy of D on training images",
    "saturated": "pixels of samples above 1",
    **{f"best_{key}": f"{name}, at the best frames" for key, name in METRICS.items()},
    "worst_best_judge_share": "samples of the worst digit read as it, at its best frame",
    "fid_floor": "FID of real images",
    "n": "samples of each digit",
    "judge": "checksum of the classifier",
}
SHARES = (
    *("judge_share", "best_judge_share", "worst_best_judge_share"),
    *("d_accuracy", "d_train_accuracy", "saturated"),
)


def build_task(config: OneLayerConfig, device: str) -> "OneLayerTask":
    """See lab.engine.study."""
    from lab.by_hand.task import OneLayerTask

    return OneLayerTask(config, device)


def headline(result: Mapping[str, Any]) -> str:
    """The quality at the end and at the best frames, with the FID of real images."""
    return (
        f"read as their digit: {percent(result['judge_share'])} of samples at the end, "
        f"{percent(result['best_judge_share'])} at each one's best frame (the worst digit "
        f"{percent(result['worst_best_judge_share'])}); FID within the class {result['fid']:.1f}, "
        f"at best {result['best_fid']:.1f} (real images {result['fid_floor']:.1f}), "
        f"{result['steps']} steps"
    )


def objective(result: Mapping[str, Any]) -> float:
    """The share of the samples that the classifier does not read as their digit."""
    return float(1 - result["judge_share"])


def sweep_figures(rows: list[dict[str, Any]]) -> "dict[str, Figure]":
    """Draw quality at the best and the last frames, and during training."""
    from lab.by_hand.figures import best_and_last, through_training

    curves = [(row["series"], RunFolder(Path(row["run"])).read_metrics()) for row in rows]
    return {"quality": best_and_last(rows), "through_training": through_training(curves)}
