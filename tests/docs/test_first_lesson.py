"""The notebook of the first lesson, executed from its first cell to its last on small data."""

from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.command_line import ROOT
from tests.images.small_data import write_bars

SMALL = ["size=small", "device=cpu"]
MEMORY = [*SMALL, "data_size=100", "batch_size=32", "max_steps=6", "eval_every=5"]
GAME = [
    *SMALL, "data=folder", "data.root=images", "batch_size=20", "max_steps=20", "sample_every=10",
    "eval_every=20", "eval_samples=30", "final_samples=30", "generator=mlp",
    "discriminator=mlp", "generator.widths=[64]", "discriminator.widths=[64]",
]  # fmt: skip


def lesson() -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "docs/first_lesson.ipynb", as_version=4)


def test_the_first_lesson_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    write_bars(tmp_path / "images", 36, 30, side=12)
    notebook = lesson()
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    cell.source = f"lengths = [5]\nmemory = {MEMORY}\ngame = {GAME}"
    metadata = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=200, resources=metadata).execute()
    outputs = [output for c in notebook.cells for output in c.get("outputs", ())]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 5
    words = "".join(output.get("text", "") for output in outputs)
    assert "lstm-T5-h32-n100-b32-s0: results go to outputs/runs/lstm-T5-h32-n100-b32-s0-" in words
    assert "sweep: 1 finished before; " in words, "a sweep shows the run that was made alone"
    assert "sweep: 1 finished; " in words
    assert words.count("\n") < 25, "a saved notebook keeps a line or two for each run"
    assert "%|" not in str(outputs), "and none of a bar's states"
    assert len(list(tmp_path.glob("outputs/runs/lstm-T5-*s0-*"))) == 1
    assert len(list(tmp_path.glob("outputs/runs/rnn-T5-*s0-*"))) == 1


def test_the_first_lesson_is_short_and_saved_without_outputs():
    cells = lesson().cells
    assert len(cells) <= 16
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(len(cell.source.splitlines()) <= 10 for cell in code)
