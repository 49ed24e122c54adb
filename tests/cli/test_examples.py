"""Each example is a class and a YAML file, and runs as its docstring says."""

import json
from pathlib import Path

import pytest

from tests.command_line import ROOT, quick_lab
from tests.run_files import only

EXAMPLES = ROOT / "examples"
SHORT_GAN = [
    *("task=gan", "data=folder", "size=small", "batch_size=8", "max_steps=4", "sample_every=4"),
    *("eval_every=4", "log_every=2", "eval_samples=20", "final_samples=20"),
]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_cell", ["task=lstm", "cell=leaky", "seq_len=4", "size=small", "max_steps=20"]),
        ("my_optimizer", ["task=lstm", "optimizer=sign", "seq_len=4", "size=small"]),
        ("my_generator", ["generator=linear", *SHORT_GAN]),
        ("my_loss", ["loss=least_squares", *SHORT_GAN]),
    ],
)
def test_an_example_runs(tmp_path: Path, studio: Path, name: str, words: list[str]):
    if "data=folder" in words:
        words = [*words, f"data.root={studio / 'images'}"]
    out = f"out_dir={tmp_path / 'outputs'}"
    done = quick_lab("--config-dir", "conf", *words, out, cwd=EXAMPLES)
    assert done.returncode == 0, done.stderr
    result = json.loads(only(tmp_path, "outputs/runs/*/result.json").read_text())
    assert result["steps"] > 0
    # The command in the example's own docstring chooses the same option.
    assert (
        next(w for w in words if w.split("=")[0] in ("cell", "optimizer", "generator", "loss"))
        in (EXAMPLES / f"{name}.py").read_text().partition('"""\n')[0]
    )
