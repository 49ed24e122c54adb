"""The generation study's config. Imports no torch, so that a mistake is answered at once."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from lab.config import STRICT, Component, Count, NotNegative, Optimizer, Positive, RunConfig
from lab.images.config import DataConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.generation.task import GanTask

Decay = Annotated[float, Field(ge=0, lt=1)]
Samples = Annotated[int, Field(ge=10)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class GanConfig(RunConfig):
    """Keys of `task=gan`; conf/task/gan.yaml says what each means."""

    data: DataConfig
    generator: Component
    discriminator: Component
    loss: Component
    optimizer: Optimizer
    discriminator_lr: Positive | None
    batch_size: Annotated[int, Field(ge=2)]
    epochs: Count
    gradient_penalty: NotNegative
    ema: Decay | None
    lr_schedule: Literal["constant", "cosine", "soft_cosine"]
    precision: Literal["fp32", "bf16"]
    sample_every: Count
    log_every: Count
    eval_every: Count
    eval_samples: Samples
    final_samples: Samples

    @property
    def label(self) -> str:
        """The game and its players, as curves are named: `hinge, MLPGenerator`."""
        names = (self.loss["_target_"], self.generator["_target_"])
        return ", ".join(str(name).rpartition(".")[2] for name in names)

    @property
    def readable_name(self) -> str:
        return f"gan-{self.data.name}-s{self.seed}"

    def build_task(self, device: str) -> "GanTask":
        from lab.generation.task import GanTask

        return GanTask(self, device)

    def headline(self, result: dict[str, Any]) -> str:
        if "fid" not in result:
            return f"{result['steps']} steps (no labels, so no judge and no figures of quality)"
        return (
            f"the judge's FID {result['fid']:.2f} at n={result['n']:,} "
            f"(real images {result['fid_floor']:.2f}), recall {result['recall']:.2f} "
            f"(real {result['real_recall']:.2f}), {result['classes']} classes, "
            f"{result['steps']} steps"
        )

    @classmethod
    def sweep_figures(cls, rows: list[dict[str, Any]]) -> "dict[str, Figure]":
        from lab.generation.figures import sweep_quality

        measured = [row for row in rows if "fid" in row]
        return {"quality": sweep_quality(measured)} if measured else {}
