"""The memory study's task, headline and sweep figures, as lab.engine.study looks for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.config.columns import Column
from lab.config.wording import percent
from lab.memory.config import MemoryConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from lab.engine.run_folder import RunFolder
    from lab.memory.task import MemoryTask

COLUMNS = (
    Column("lr", "learning rate", "train/lr", is_logged=True),
    Column("train_loss", "training loss", "train/loss", is_logged=True, in_progress=True),
    Column("train_accuracy", "training accuracy", "train/accuracy",
           is_share=True, is_logged=True, in_progress=True),
    Column("val_loss", "validation loss", "val/loss", is_logged=True),
    Column("val_accuracy", "validation accuracy", "val/accuracy",
           is_share=True, is_logged=True, is_headline=True, is_objective=True, in_progress=True),
    # Logged only if a curriculum grows it.
    Column("seq_len", "length T", "train/seq_len", is_logged=True, in_progress=True),
    Column("test_accuracy", "test accuracy", "test/accuracy",
           is_share=True, is_headline=True, is_objective=True),
    Column("steps", "training steps", "train/steps", is_objective=True),
    Column("seconds", "seconds of training", is_objective=True),
    Column("parameters", "trained parameters", is_objective=True),
    Column("cell", "cell"),
    Column("label", "cell and its initialisation"),
    Column("sequence", "sequence"),
    Column("budget", "most training steps"),
    Column("val_count", "examples in the validation set"),
    Column("test_count", "examples in the test set"),
    Column("state_size", "numbers carried from step to step"),
    Column("state_grows", "whether they grow with T"),
    Column("chance", "accuracy of guessing", is_share=True),
    Column("trained_lengths", "lengths trained on"),
    Column("shortest_correct", "99 % correct from T"),
    Column("longest_correct", "99 % correct up to T"),
    *(
        Column(f"gradient_factor.{state}_{key}", f"dLoss/d{state}: factor of one step back, {when}")
        for key, when in (("initial", "untrained"), ("trained", "trained"))
        for state in ("h", "c")
    ),
)  # fmt: skip


def build_task(config: MemoryConfig, device: str) -> "MemoryTask":
    """See lab.engine.study."""
    from lab.memory.task import MemoryTask

    return MemoryTask(config, device)


def headline(result: Mapping[str, Any]) -> str:
    """The accuracies with the number of examples, and the number of steps."""
    parts = [f"validation accuracy {percent(result['val_accuracy'])} ({result['val_count']:,})"]
    if result["test_accuracy"] is not None:
        parts.append(f"test accuracy {percent(result['test_accuracy'])} ({result['test_count']:,})")
    steps = f"{result['steps']:,} steps"
    if result.get("stopped") == "patience":
        steps += " (stopped early, without progress on the validation set)"
    return ", ".join([*parts, steps])


def objective(result: Mapping[str, Any]) -> float:
    """The number of steps, times 1 + the validation error; a search makes it small.

    Among runs that reach the target, the fastest is best. Among runs that use all their steps, the
    one with the smallest error is best. A run that `patience` stopped counts as if it had used all
    its steps.
    """
    steps = result["budget"] if result.get("stopped") == "patience" else result["steps"]
    return float(steps * (2 - result["val_accuracy"]))


def sweep_figures(rows: list[dict[str, Any]]) -> "dict[str, Figure]":
    """Draw accuracy against length for each sequence; for several, also one figure of all."""
    from lab.engine.run_folder import RunFolder
    from lab.memory.figures import sweep_accuracy
    from lab.memory.lengths import accuracy_beyond_training, accuracy_by_state_size

    by_sequence: dict[str, list[dict[str, Any]]] = {}
    for row in rows:  # earlier versions had palindromes alone, and did not name the sequence
        by_sequence.setdefault(row.get("sequence", "palindrome"), []).append(row)
    figures = {}
    if len(by_sequence) > 1:  # accuracy_by_length is nested, so it is not in the summary's rows
        with_lengths = []
        for row in rows:
            folder = RunFolder(Path(row["run"]))
            accuracies = (folder.result or {}).get("accuracy_by_length", {})
            with_lengths.append({**row, "accuracy_by_length": accuracies})
            if "trained_lengths" not in row:  # of an earlier version
                with_lengths[-1]["curriculum"] = _curriculum(folder)
        figures["beyond_training"] = accuracy_beyond_training(with_lengths)
    for name, some in by_sequence.items():
        suffix = "" if name == "palindrome" else f"_{name}"
        figures[f"accuracy_vs_length{suffix}"] = sweep_accuracy(some)
        sized = [row for row in some if row.get("state_size") and row["test_accuracy"] is not None]
        if name == "recall" and len({row["state_size"] for row in sized}) > 1:
            figures["accuracy_vs_state_size"] = accuracy_by_state_size(sized)
    return figures


def _curriculum(folder: "RunFolder") -> str:
    """The curriculum in a run's config.yaml; none if the file cannot be read."""
    import yaml

    try:
        return str(yaml.safe_load(folder.config_file.read_text(encoding="utf-8"))["curriculum"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return "none"


def load_network(
    config: MemoryConfig, weights: "dict[str, Tensor]", result: Mapping[str, Any]
) -> "nn.Module":
    """See lab.engine.study."""
    from lab.memory.network import load_network as load

    return load(config, weights)
