"""The by-hand study's config. Imports no torch, so that a mistake is answered at once."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from lab.config import Count, NotNegative, Positive, config
from lab.images.config import ImageConfig


def _are_digits(digits: list[int]) -> list[int]:
    if not digits or min(digits) < 0 or len(set(digits)) < len(digits):
        raise ValueError(
            f"digits={digits} is not allowed: expected one class or more from 0 up, all different"
        )
    return digits


@config
class OneLayerConfig(ImageConfig):
    """Keys of `task=one_layer_gan`; conf/task/one_layer_gan.yaml says what each means."""

    digits: Annotated[list[int], AfterValidator(_are_digits)]
    noise_size: Count
    noise: Literal["normal", "uniform"]
    init_scale: Positive
    generator_hidden: Annotated[int, Field(ge=0)]
    discriminator_hidden: Annotated[int, Field(ge=0)]
    rule: Literal["sgd", "adam"]
    reduction: Literal["sum", "mean"]
    lr: Positive
    discriminator_lr: Positive | None
    discriminator_decay: NotNegative
    epochs: Count
    images_per_epoch: Count
    frame_every: Count
    log_every: Count
    eval_samples: Annotated[int, Field(ge=2)]

    STUDY: ClassVar[str] = "lab.by_hand.study"
    IN_LABEL: ClassVar = ("rule",)
    NAME_PARTS: ClassVar = {
        "rule": ("{}", "sgd"),
        "lr": ("lr{}", 1e-3),
        "generator_hidden": ("G{}", 0),
        "discriminator_hidden": ("D{}", 0),
        "noise": ("{}", "normal"),
        "reduction": ("{}", "sum"),
        "discriminator_lr": ("Dlr{}", None),
        "discriminator_decay": ("decay{}", 0.0),
        "init_scale": ("scale{}", 0.01),
        "images_per_epoch": ("b{}", 200),
        "epochs": ("epochs{}", 2000),
    }

    @property
    def label(self) -> str:
        """The networks and the optimizer, as curves are named: `single layers, sgd`."""
        is_single = not self.generator_hidden and not self.discriminator_hidden
        return f"{'single layers' if is_single else 'MLPs'}, {self.rule}"

    @property
    def subject(self) -> str:
        return f"one-layer-{self.data['name']}"
