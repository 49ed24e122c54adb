"""The memory study's config. Imports no torch, so that a mistake is answered at once."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from lab.config import STRICT, Component, Count, Optimizer, Positive, RunConfig, Share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.memory.task import MemoryTask


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MemoryConfig(RunConfig):
    """Keys of `task=lstm`; conf/task/lstm.yaml says what each means."""

    seq_len: Annotated[int, Field(ge=3)]
    cell: Component
    optimizer: Optimizer
    input: Literal["one_hot", "number"]
    hidden_size: Count
    batch_size: Count
    data_size: Annotated[int, Field(ge=2)]
    train_part: Share
    stream: bool
    curriculum: Literal["none", "doubling"]
    epochs: Count
    clip_norm: Positive | None
    lr_schedule: Literal["constant", "halving", "cosine"]
    halve_every: Count
    target_accuracy: Annotated[float, Field(gt=0, le=1)] | None
    log_every: Count
    eval_every: Count

    SYNONYMS: ClassVar = {**RunConfig.SYNONYMS, "T": "seq_len", "length": "seq_len"}

    @property
    def cell_name(self) -> str:
        """rnn, lstm, gru, torch_lstm, or the class of a cell of the user's own."""
        name = str(self.cell["_target_"]).rpartition(".")[2]
        return {"TorchLSTM": "torch_lstm", "MinGRU": "min_gru"}.get(name, name.lower())

    @property
    def label(self) -> str:
        """The cell and how it starts, as curves are named: `lstm, forget bias 5`."""
        init = self.cell.get("init", "identity" if self.cell_name == "irnn" else "default")
        if init == "forget_bias":
            return f"{self.cell_name}, forget bias {self.cell['forget_bias']:g}"
        return f"{self.cell_name}, {init} init"

    @property
    def readable_name(self) -> str:
        return f"{self.cell_name}-T{self.seq_len}-s{self.seed}"

    def build_task(self, device: str) -> "MemoryTask":
        from lab.memory.task import MemoryTask

        return MemoryTask(self, device)

    def headline(self, result: dict[str, Any]) -> str:
        held_out = f"{result['val_accuracy']:.2%} of {result['val_count']:,} held out"
        if result["test_accuracy"] is None:
            return f"{held_out} right after {result['steps']} steps"
        tested = f"{result['test_accuracy']:.2%} of {result['test_count']:,} new ones"
        return f"{held_out} and {tested} right after {result['steps']} steps"

    @classmethod
    def sweep_figures(cls, rows: list[dict[str, Any]]) -> "dict[str, Figure]":
        from lab.memory.figures import sweep_accuracy

        return {"accuracy_vs_length": sweep_accuracy(rows)}
