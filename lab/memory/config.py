"""The memory study's config. Imports no torch, so that a mistake is answered at once."""

import re
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from lab.config import Component, Count, Optimizer, Positive, RunConfig, Share, config
from lab.config.base import MOST
from lab.config.naming import name_part

Length = Annotated[int, Field(ge=3, le=MOST)]
Few = Annotated[int, Field(ge=0, le=1000, strict=True)]
PALINDROME = "lab.memory.sequences.palindrome.Palindrome"
LSTMS = ("LSTM", "TorchLSTM")


def _variant(cell: dict[str, Any]) -> str:
    """The transition as people name it: `signed`, `beta to 2`; empty for most cells."""
    if "reflections" in cell and "beta_max" in cell:
        one = "reflection" if cell["reflections"] == 1 else "reflections"
        return f"{cell['reflections']} {one}, beta to {cell['beta_max']}"
    transition = cell.get("transition", "positive")
    return "" if transition == "positive" else str(transition)


def _initialisation(cell: dict[str, Any]) -> str:
    """The variant and the initialisation as a part of a run's name; empty if both are the default
    of conf/cell."""
    if _variant(cell):
        return re.sub(" reflections?, beta to ", "r", _variant(cell))
    is_lstm = str(cell["_target_"]).rpartition(".")[2] in LSTMS
    init = cell.get("init", "")
    if init == "forget_bias":
        return name_part("bias{}", 5.0, cell.get("forget_bias"))
    if init == "default":
        return "default_init" if is_lstm else ""
    return str(init)


def _asks_more(sequence: dict[str, Any]) -> bool:
    """Whether a sequence that has one answer by default is asked for one at every step."""
    return sequence.get("answers") == "every" and "copied" not in sequence


# Not strict itself, so that a mapping is read as one; its values are.
@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Block:
    """The block around the cell: norm, cell, residual; norm, MLP, residual; so `layers` times.

    Xiong et al. 2020, "On layer normalization in the transformer architecture". With layers=0 the
    cell alone reads the sequence.
    """

    layers: Few = 0
    norm: Literal["layer", "rms"] = "layer"
    mlp: Few = 2


@config
class MemoryConfig(RunConfig):
    """Keys of `task=lstm`; conf/task/lstm.yaml says what each means."""

    seq_len: Length
    cell: Component
    optimizer: Optimizer
    input: Literal["one_hot", "number"]
    hidden_size: Count
    batch_size: Count
    data_size: Annotated[int, Field(ge=2)]
    train_part: Share
    stream: bool
    curriculum: Literal["none", "doubling", "upper_half"]
    epochs: Count
    clip_norm: Positive | None
    lr_schedule: Literal["constant", "halving", "cosine"]
    halve_every: Count
    target_accuracy: Annotated[float, Field(gt=0, le=1)] | None
    log_every: Count
    eval_every: Count
    # Keys that were added later: these defaults give what runs did before.
    sequence: Component = field(default_factory=lambda: {"_target_": PALINDROME})
    tested_lengths: list[Length] | None = None
    patience: Count | None = None
    block: Block = field(default_factory=Block)

    SYNONYMS: ClassVar = {
        **RunConfig.SYNONYMS,
        "T": "seq_len",
        "length": "seq_len",
        "sequence_len": "seq_len",
        "sequence_length": "seq_len",
    }
    STUDY: ClassVar[str] = "lab.memory.study"
    SWEEP_AXIS: ClassVar = "seq_len"
    IN_LABEL: ClassVar = ("cell", "cell.init", "cell.forget_bias")
    NAME_PARTS: ClassVar = {
        "block.layers": ("{}layers", 0),
        "optimizer.lr": ("lr{}", 0.01),
        "optimizer._target_": ("{}", "RMSprop"),
        "input": ("{}", "one_hot"),
        "hidden_size": ("h{}", 128),
        "curriculum": ("{}", "none"),
        "clip_norm": ("clip{}", 1.0),
        "lr_schedule": ("{}", "constant"),
        "data_size": ("n{}", 10000),
        "batch_size": ("b{}", 128),
        "stream": ("stream", False),
        "max_steps": ("steps{}", None),
        "epochs": ("epochs{}", 100),
    }

    @property
    def first_name_parts(self) -> list[str]:
        return [_initialisation(self.cell), "every" if _asks_more(self.sequence) else ""]

    @property
    def cell_name(self) -> str:
        """The cell's class in small letters: rnn, lstm, gru; torch_lstm and min_gru."""
        name = str(self.cell["_target_"]).rpartition(".")[2]
        return {"TorchLSTM": "torch_lstm", "MinGRU": "min_gru"}.get(name, name.lower())

    @property
    def label(self) -> str:
        """The cell and its initialisation, as curves are named: `lstm, forget bias 5`."""
        init = self.cell.get("init")
        if self.block.layers or _variant(self.cell):
            kind = _variant(self.cell) or self.cell.get("transition")
            parts = [self.cell_name, kind, init]
            if init == "forget_bias":
                parts[2] = f"forget bias {self.cell.get('forget_bias'):g}"
            if self.block.layers > 1:
                parts.append(f"{self.block.layers} layers")
            return ", ".join(str(part) for part in parts if part)
        if init is None and not str(self.cell["_target_"]).startswith("lab."):
            return self.cell_name
        if init == "forget_bias" and isinstance(self.cell.get("forget_bias"), int | float):
            return f"{self.cell_name}, forget bias {self.cell['forget_bias']:g}"
        default = "identity" if self.cell_name == "irnn" else "default"
        return f"{self.cell_name}, {init or default} init"

    @property
    def sequence_name(self) -> str:
        """The sequence's class, written as the options are: `selective_copy`; a group: `s3`."""
        if "group" in self.sequence:
            return str(self.sequence["group"])
        name = str(self.sequence["_target_"]).rpartition(".")[2]
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

    @property
    def is_palindrome(self) -> bool:
        """Whether the sequence is the palindrome, the default."""
        return bool(self.sequence["_target_"] == PALINDROME)

    @property
    def subject(self) -> str:
        name = f"{self.cell_name}-T{self.seq_len}"
        return name if self.is_palindrome else f"{self.sequence_name}-{name}"


CELLS = {"lstm": "LSTM", "torch_lstm": "LSTM", "gru": "GRU", "torch_gru": "GRU", "rnn": "RNN",
         "irnn": "IRNN", "min_gru": "minGRU", "transformer": "transformer"}  # fmt: skip
# These cells have one initialisation, which needs no name.
ALONE = ("GRU", "minGRU", "IRNN", "transformer")


def in_words(label: str) -> str:
    """The name of a cell in tables, figures and text: `LSTM, forget bias 1`.

    Args:
        label: as in a run's result, such as `torch_lstm, forget bias 1`.
    """
    cell, _, start = label.partition(", ")
    name = CELLS.get(cell, cell)
    start = start.removesuffix(" init")
    return name if name in ALONE or not start else f"{name}, {start}"
