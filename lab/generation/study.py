"""The generation study's task, headline and sweep figures, as lab.engine.study looks for them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lab.config.columns import Column
from lab.engine.study import lookup
from lab.generation.config import GanConfig
from lab.images.columns import QUALITY

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from lab.generation.task import GanTask

_KINDS = ("linear", "farther", "class_alone", "both")


def _of_interpolations(name: str, label: str, is_share: bool) -> list[Column]:
    return [
        Column(
            f"latent.interpolation.{name}_{kind}",
            f"{label}, {kind.replace('_', ' ')} interpolation",
            is_share=is_share,
        )
        for kind in _KINDS
    ]


def _player(name: str, label: str, is_share: bool = False) -> Column:
    key = name.rpartition(".")[2]
    in_progress = key in ("d_loss", "g_loss")
    return Column(name, label, f"players/{key}", is_share, True, in_progress=in_progress)


COLUMNS = (
    Column("lr", "learning rate", "train/lr", is_logged=True),
    _player("players.d_loss", "loss of D"),
    _player("players.g_loss", "loss of G"),
    _player("d_real", "mean sigmoid of D's score, real images"),
    _player("d_fake", "mean sigmoid of D's score, samples"),
    _player("d_accuracy", "accuracy of D", is_share=True),
    _player("players.d_auc", "AUC of D on test images (0.5: it cannot tell)"),
    *QUALITY,
    _player("d_real_score", "score of D, real images"),
    _player("d_fake_score", "score of D, samples"),
    # Logged only with conditional=true, and only with keep_best=true.
    Column("quality.class_accuracy", "samples read as the class asked for",
           "quality/class_accuracy", is_share=True, is_logged=True),
    Column("quality.training_fid", "FID against training images", "quality/training_fid",
           is_logged=True),
    Column("seconds", "seconds of training", is_objective=True),
    Column("data", "data set"),
    Column("label", "loss and generator"),
    Column("epochs", "epochs of training"),
    Column("parameters", "parameters of G"),
    Column("precision_used", "number format in training"),
    Column("weights.step", "step of the measured weights"),
    Column("weights.chosen_by", "measured weights chosen by"),
    Column("weights.training_fid", "their FID against training images"),
    Column("latent.interpolation.not_measured", "why interpolations are not measured"),
    Column("latent.arithmetic.not_measured", "why sums of z are not measured"),
    Column("latent.interpolation.pairs", "interpolations"),
    Column("latent.interpolation.stays", "interpolations that stay in their class", is_share=True),
    *_of_interpolations("third_class", "through a third class", True),
    *_of_interpolations("path_length", "length in the classifier's features", False),
    *_of_interpolations("largest_step", "largest step, share of the length", True),
)  # fmt: skip


def build_task(config: GanConfig, device: str) -> "GanTask":
    """See lab.engine.study."""
    from lab.generation.task import GanTask

    return GanTask(config, device)


def headline(result: Mapping[str, Any]) -> str:
    """The quality of the samples, with the values of real images."""
    quality, warnings = result.get("quality", {}), len(result.get("warnings", ()))
    if "fid" not in quality:
        reason = quality.get("not_measured", "no labels")
        return f"{result['steps']} steps (no quality metrics: {reason})"
    if "modes" in quality:
        classes = f"modes {quality['modes']:,} with KL {quality['mode_kl']:.3f}"
    else:
        classes = f"{quality['classes']} classes"
    warned = f", {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else ""
    return (
        f"FID {quality['fid']:.2f} in the classifier's features at n={quality['n']:,} "
        f"(real images {quality['real_fid']:.2f}), recall {quality['recall']:.2f} "
        f"(real {quality['real_recall']:.2f}), {classes}, {result['steps']} steps{warned}"
    )


def objective(result: Mapping[str, Any]) -> float | None:
    """The FID; None if the data have no labels and so no classifier."""
    fid: float | None = result.get("quality", {}).get("fid")
    return fid


def sweep_figures(rows: list[dict[str, Any]]) -> "dict[str, Figure]":
    """Draw FID and recall of each setting."""
    from lab.generation.figures import sweep_quality

    drawn = ("fid", "real_fid", "recall", "real_recall", "n")
    measured = [
        {"series": row["series"], **{name: lookup(row, name) for name in drawn}}
        for row in rows
        if lookup(row, "fid") is not None
    ]
    return {"quality": sweep_quality(measured)} if measured else {}


def load_network(
    config: GanConfig, weights: "dict[str, Tensor]", result: Mapping[str, Any]
) -> "nn.Module":
    """See lab.engine.study."""
    from lab.generation.players import load_generator

    return load_generator(config.generator, weights, result)
