"""Each example is a class and a YAML file, and runs as its docstring says."""

from pathlib import Path

import pytest

import lab
from tests.command_line import ROOT
from tests.numbers import MARKS

EXAMPLES = ROOT / "examples"
SHORT = ("task=lstm", "seq_len=4", "size=small", "max_steps=2", "data_size=100")
SHORT_GAN = (
    *("task=gan", *MARKS, "size=small", "batch_size=8", "max_steps=2", "sample_every=2"),
    *("eval_every=2", "log_every=2", "eval_samples=20", "final_samples=20", "generator=mlp"),
)


@pytest.mark.parametrize(
    ("name", "words", "option"),
    [
        ("my_cell", SHORT, "cell=leaky"),
        ("my_optimizer", SHORT, "optimizer=sign"),
        ("my_generator", (*SHORT_GAN, "discriminator=mlp"), "generator=linear"),
        ("my_loss", (*SHORT_GAN, "discriminator=mlp"), "loss=least_squares"),
    ],
)
def test_an_example_runs(
    tmp_path: Path, name: str, words: tuple[str, ...], option: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(EXAMPLES)
    run = lab.run(*words, option, f"out_dir={tmp_path}", config_dir=EXAMPLES / "conf")
    assert run.result["steps"] == 2
    # The command in the example's own docstring chooses the same option.
    assert option in (EXAMPLES / f"{name}.py").read_text().partition('"""\n')[0]
