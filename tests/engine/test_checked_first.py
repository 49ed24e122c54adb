"""What the end of a run needs is tried before its first step, and the trial leaves no trace."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lab.cli import compose_config
from lab.config import RunConfig
from lab.engine.jobs import perform
from lab.engine.loop import check
from lab.engine.process import rng_state
from lab.engine.study import build_task
from lab.figures.sheets import labelled_rows
from lab.figures.style import png_bytes
from tests.images.small_data import MNIST_FILES, write_bars

HERE = "tests.engine.own_parts"
MEMORY = ("seq_len=4", "size=small", "data_size=100", "max_steps=4", "device=cpu")
GAN = (
    "task=gan", "data=folder", "batch_size=4", "max_steps=4", "device=cpu",
    "generator=mlp", "discriminator=mlp", "generator.widths=[8]", "discriminator.widths=[8]",
    "eval_samples=10", "final_samples=10",
)  # fmt: skip


@pytest.fixture
def images(tmp_path) -> Path:
    """Without labels, so that no classifier is trained."""
    folder = tmp_path / "images"
    write_bars(folder, 30, 10)
    for name in MNIST_FILES[1::2]:
        (folder / name).unlink()
    return folder


def with_cell(out: Path, name: str, **arguments: str) -> RunConfig:
    config = compose_config(*MEMORY, f"out_dir={out}")
    return dataclasses.replace(config, cell={"_target_": f"{HERE}.{name}", **arguments})  # type: ignore[call-arg]


def gan(out: Path, images: Path, **components: dict[str, object]) -> RunConfig:
    config = compose_config(*GAN, f"data.root={images}", f"out_dir={out}")
    return dataclasses.replace(config, **components)  # type: ignore[arg-type]


def test_a_cell_with_an_init_of_its_own_meaning_and_tied_weights_is_trained_and_saved(tmp_path):
    config = with_cell(tmp_path, "OwnCell", init="forget_bias")
    assert perform(config, []).kind == "finished"
    result = json.loads((config.run_dir / "result.json").read_text())
    assert result["label"] == "owncell, forget_bias init"
    weights = load_file(config.run_dir / "model.safetensors")
    assert torch.equal(weights["W_hh"], weights["tied.weight"])


def test_a_cell_that_cannot_be_followed_back_is_refused_before_the_first_step(tmp_path):
    config = with_cell(tmp_path, "WholeSequencesOnly")
    outcome = perform(config, [])
    assert outcome.kind == "failed"
    assert "NotImplementedError: begins at the first digit only" in outcome.line
    assert not (config.run_dir / "metrics.csv").exists()


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "discriminator": (
        {"_target_": f"{HERE}.ColumnOfLogits", "widths": [8]},
        f"discriminator {HERE}.ColumnOfLogits returns [2, 1] for 2 images, "
        "expected [2]: a logit for each image",
    ),
    "generator": (
        {"_target_": f"{HERE}.SmallImages", "latent": 3},
        f"generator {HERE}.SmallImages returns [2, 1, 14, 14] for 2 images, "
        "expected [2, 1, 28, 28]: images",
    ),
    "loss": (
        {"_target_": f"{HERE}.LossForEachImage"},
        f"loss {HERE}.LossForEachImage returns [2] for 2 images, expected []: one number",
    ),
}


@pytest.mark.parametrize("group", REFUSED)
def test_a_wrong_shape_is_refused_before_a_classifier_is_trained(
    tmp_path, monkeypatch, capsys, group
):
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "cache"))
    write_bars(tmp_path / "images", 30, 10)
    component, line = REFUSED[group]
    outcome = perform(gan(tmp_path / "out", tmp_path / "images", **{group: component}), [])
    assert (outcome.kind, outcome.line) == ("failed", line)
    assert "training the classifier" not in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "out").exists()


def test_a_wrong_shape_is_refused_before_mnist_is_fetched(tmp_path, monkeypatch):
    def refuse(component: object) -> None:
        raise AssertionError("images are read")

    monkeypatch.setattr("lab.generation.image_task.load", refuse)
    component, line = REFUSED["generator"]
    config = compose_config("task=gan", "device=cpu", f"out_dir={tmp_path}")
    outcome = perform(dataclasses.replace(config, generator=component), [])
    assert outcome.line == line


def test_too_few_images_to_measure_quality_are_trained_on_without(tmp_path):
    write_bars(tmp_path / "images", 24, 4)
    outcome = perform(gan(tmp_path / "out", tmp_path / "images"), [])
    assert outcome.kind == "finished"
    assert "(no quality metrics: only 4 images in a split)" in outcome.line


def test_dollar_signs_in_names_are_drawn_as_they_are():
    rows = torch.zeros(1, 2, 28, 28).numpy()
    assert png_bytes(labelled_rows(rows, [["$\\nosuch$", "5$"]], ["from $ to $\\nosuch"]))


@pytest.mark.parametrize(
    "words",
    [(*MEMORY, "cell=lstm"), (*MEMORY, "cell=torch_lstm"),
     (*GAN, "discriminator.dropout=0.5", "ema=null"), GAN],
)  # fmt: skip
def test_trying_the_end_of_a_study_changes_nothing(images, words):
    root = [f"data.root={images}"] if words[0] == "task=gan" else []
    config = compose_config(*words, *root)
    task = build_task(config, "cpu")
    before, random = copy.deepcopy(task.state_dict()), rng_state()
    check(task)
    assert _flat(task.state_dict()) == _flat(before)
    assert _flat(rng_state()) == _flat(random)
    networks = [value for value in vars(task).values() if isinstance(value, torch.nn.Module)]
    assert networks
    assert all(network.training for network in networks)


def _flat(state: object) -> object:
    if isinstance(state, torch.Tensor):
        return state.tolist()
    if isinstance(state, dict):
        return {key: _flat(value) for key, value in state.items()}
    return [_flat(value) for value in state] if isinstance(state, list | tuple) else state
