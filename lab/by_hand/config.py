"""The by-hand study's config. Imports no torch, so that a mistake is answered at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from lab.config import STRICT, Count, NotNegative, Positive, RunConfig
from lab.engine.run_folder import RunFolder
from lab.images.config import DataConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.by_hand.task import OneLayerTask


def _are_digits(digits: list[int]) -> list[int]:
    if not digits or min(digits) < 0 or len(set(digits)) < len(digits):
        raise ValueError(
            f"digits={digits} is not allowed: expected one class or more from 0 up, each once"
        )
    return digits


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OneLayerConfig(RunConfig):
    """Keys of `task=one_layer_gan`; conf/task/one_layer_gan.yaml says what each means."""

    data: DataConfig
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

    @property
    def label(self) -> str:
        """The pair and its rule, as curves are named: `single layers, sgd`."""
        is_single = not self.generator_hidden and not self.discriminator_hidden
        return f"{'single layers' if is_single else 'MLPs'}, {self.rule}"

    @property
    def readable_name(self) -> str:
        return f"one-layer-{self.data.name}-s{self.seed}"

    def build_task(self, device: str) -> "OneLayerTask":
        from lab.by_hand.task import OneLayerTask

        return OneLayerTask(self, device)

    def headline(self, result: dict[str, Any]) -> str:
        return (
            f"read as their digit: {result['judge_share']:.0%} of samples at the end, "
            f"{result['best_judge_share']:.0%} at each one's best frame (the worst digit "
            f"{result['worst_best_judge_share']:.0%}); FID within the class {result['fid']:.1f}, "
            f"at best {result['best_fid']:.1f} (real images {result['fid_floor']:.1f}), "
            f"{result['steps']} epochs"
        )

    @classmethod
    def sweep_figures(cls, rows: list[dict[str, Any]]) -> "dict[str, Figure]":
        from lab.by_hand.figures import best_and_last, through_training

        curves = [(row["series"], RunFolder(Path(row["run"])).read_metrics()) for row in rows]
        return {"quality": best_and_last(rows), "through_training": through_training(curves)}
