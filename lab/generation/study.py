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
QUALITY = ("precision", "recall", "density", "coverage")
READABLE = {
    "data": "data set",
    "label": "loss and generator",
    "epochs": "epochs of training",
    "parameters": "parameters of G",
    "precision_used": "number format in training",
    "weights.step": "step of the measured weights",
    "weights.chosen_by": "measured weights chosen by",
    "weights.training_fid": "their FID against training images",
    "players.d_loss": "loss of D",
    "players.g_loss": "loss of G",
    "players.d_auc": "AUC of D on test images (0.5: it cannot tell)",
    "d_real": "D's probability of real, real images",
    "d_fake": "D's probability of real, samples",
    "d_right": "accuracy of D",
    "d_real_score": "score of D, real images",
    "d_fake_score": "score of D, samples",
    "quality.n": "samples measured, and real images",
    "quality.fid": "FID against test images",
    "quality.fid_bias": "FID of perfect samples (bias)",
    "quality.training_fid": "FID against training images",
    "quality.real_fid": "FID of real images",
    **{f"quality.{name}": name for name in QUALITY},
    **{f"quality.real_{name}": f"{name} of real images" for name in QUALITY},
    "quality.classes": "classes that G makes",
    "quality.real_classes": "classes of real images",
    "quality.class_tv": "total variation distance of the classes",
    "quality.clear": "samples that the classifier is sure of",
    "quality.real_clear": "real images that the classifier is sure of",
    "quality.read_as_asked": "samples read as the class asked for",
    "quality.modes": "modes found",
    "quality.mode_kl": "KL of the modes",
    "quality.modes_n": "samples in which modes are counted",
    "quality.real_modes": "modes of real images",
    "quality.real_mode_kl": "KL of the modes of real images",
    "quality.not_measured": "why quality is not measured",
    "classifier.test_accuracy": "test accuracy of the classifier",
    "classifier.checksum": "checksum of the classifier",
    "latent.interpolation.not_measured": "why interpolations are not measured",
    "latent.arithmetic.not_measured": "why sums of z are not measured",
    "latent.interpolation.pairs": "interpolations",
    "latent.interpolation.stays": "interpolations that stay in their class",
    **{
        f"latent.interpolation.{key}_{kind}": f"{name}, {kind.replace('_', ' ')} interpolation"
        for key, name in (
            ("third_class", "through a third class"),
            ("path_length", "length in the classifier's features"),
            ("largest_step", "largest step, share of the length"),
        )
        for kind in ("linear", "spherical", "farther", "class_alone", "both")
    },
}
SHARES = (
    *("d_right", "quality.clear", "quality.real_clear", "quality.read_as_asked"),
    *("classifier.test_accuracy", "latent.interpolation.stays"),
    *(name for name in READABLE if "third_class" in name or "largest_step" in name),
)
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
