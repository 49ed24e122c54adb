"""The names of the metrics of images, for the table of a study that makes images.

Imports no torch.
"""

from lab.config.columns import Column

_NEIGHBOURS = ("precision", "recall", "density", "coverage")


def _measured(name: str, label: str, is_share: bool = False, is_headline: bool = False) -> Column:
    """A metric of the evaluations during training and of the result."""
    is_objective = name in ("fid", *_NEIGHBOURS, "class_tv")
    tag, in_progress = f"quality/{name}", name in ("fid", "recall")
    full = f"quality.{name}"
    return Column(full, label, tag, is_share, True, is_headline, is_objective, in_progress)


QUALITY = (
    _measured("fid", "FID against test images", is_headline=True),
    *(_measured(name, name, is_headline=name == "recall") for name in _NEIGHBOURS),
    _measured("class_tv", "total variation distance of the classes"),
    _measured("classes", "classes that G makes", is_headline=True),
    _measured("clear", "samples that the classifier is sure of", is_share=True),
    Column("quality.n", "samples measured, and real images"),
    Column("quality.fid_bias", "FID of perfect samples (bias)"),
    Column("quality.real_fid", "FID of real images"),
    *(Column(f"quality.real_{name}", f"{name} of real images") for name in _NEIGHBOURS),
    Column("quality.real_classes", "classes of real images"),
    Column("quality.real_clear", "real images that the classifier is sure of", is_share=True),
    Column("quality.modes", "modes found"),
    Column("quality.mode_kl", "KL of the modes"),
    Column("quality.modes_n", "samples in which modes are counted"),
    Column("quality.real_modes", "modes of real images"),
    Column("quality.real_mode_kl", "KL of the modes of real images"),
    Column("quality.not_measured", "why quality is not measured"),
    Column("classifier.test_accuracy", "test accuracy of the classifier", is_share=True),
    Column("classifier.checksum", "checksum of the classifier"),
)
"""See lab.images.quality; those that are logged are measured at each evaluation."""
