"""The by-hand task: what an epoch draws and changes, that it resumes, what is measured."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from lab.by_hand.batches import ClassBatches, class_images
from lab.by_hand.config import OneLayerConfig
from lab.by_hand.measures import METRICS, as_images
from lab.by_hand.task import OneLayerTask
from lab.cli import compose_config
from lab.config.errors import UserError
from lab.engine.seeding import random_stream
from lab.engine.task import evaluate, evaluate_at_start
from tests.images.small_data import load_folder

TINY = (
    "task=one_layer_gan", "data=folder", "digits=[0,2]", "images_per_epoch=10", "epochs=20",
    "frame_every=8", "noise_size=6", "eval_samples=10", "device=cpu",
)  # fmt: skip


@pytest.fixture
def folder(studio):
    return studio / "images"


def make(folder, *overrides: str) -> OneLayerTask:
    config = compose_config(*TINY, f"data.root={folder}", *overrides)
    assert isinstance(config, OneLayerConfig)
    return OneLayerTask(config, "cpu")


def train(task: OneLayerTask, epochs: int) -> list[dict[str, float]]:
    """As the loop does it."""
    rows = []
    if task.steps == 0:
        evaluate_at_start(task)
    for _ in range(epochs):
        rows.append({name: float(value) for name, value in task.step().items()})
        rows[-1] |= evaluate(task, task.steps)
    return rows


def test_a_digit_does_not_depend_on_its_neighbours(folder):
    both, alone = make(folder), make(folder, "digits=[2]")
    assert torch.equal(both.fixed_z[1], alone.fixed_z[0])
    assert torch.equal(both.images.next()[1], alone.images.next()[0])
    train(both, 8)
    train(alone, 8)
    assert torch.allclose(both._weights()["W_G"][1], alone._weights()["W_G"][0], atol=1e-5)


def test_epochs_that_frames_do_not_divide_end_with_a_frame(folder):
    task = make(folder, "max_steps=11", "frame_every=4")
    train(task, task.total_steps)
    assert list(task.frames) == list(task.measured) == [0, 4, 8, 11]
    assert task.frames[11].shape == (2, 25, 28, 28)
    assert task.frames[11].dtype == torch.uint8


def test_every_measure_is_of_each_digit_and_in_its_range(folder):
    task = make(folder)
    metrics = train(task, 20)[-1]
    assert set(task.columns) == set(metrics)
    for values in task.measured.values():
        assert set(values) == set(METRICS)
        assert all(len(of_digits) == 2 for of_digits in values.values())
        for name in ("classifier_accuracy", "d_accuracy", "d_train_accuracy", "clipped_share"):
            assert all(0 <= value <= 1 for value in values[name])
        assert all(-1 <= value <= 1 for value in values["correlation"])
    assert metrics["fid"] == pytest.approx(np.mean(task.measured[20]["fid"]))


def test_it_learns_the_mean_image(folder):
    task = make(folder, "epochs=300", "images_per_epoch=12", "frame_every=50")
    last = train(task, 300)[-1]
    assert last["correlation"] > 0.8
    assert last["correlation"] > max(task.measured[0]["correlation"]) + 0.3
    assert 0 not in {task._best_step(0), task._best_step(1)}


def test_images_given_to_the_nets_lie_from_0_to_1_and_those_read_from_minus_1(folder):
    batch = make(folder).images.next()
    assert batch.shape == (2, 10, 784)
    assert 0 <= batch.min() < 0.1 < 0.9 < batch.max() <= 1
    images = as_images(torch.tensor([[0.0, 0.5, 1.0, 7.0]]).repeat(1, 196), (1, 28, 28))
    assert images.shape == (1, 1, 28, 28)
    assert images.flatten()[:4].tolist() == [-1, 0, 1, 1]


def test_a_batch_has_no_image_twice_and_none_of_another_class(folder):
    data = load_folder(folder).train
    images = class_images(data, "train", [1, 2])
    batches = ClassBatches(
        images, [1, 2], 12, [random_stream(0, "a"), random_stream(0, "b")], "cpu"
    )
    for of_class, drawn in zip(images, batches.next(), strict=True):
        assert torch.allclose(drawn.sum(1).sort().values, (of_class / 255).sum(1).sort().values)
    with pytest.raises(UserError, match="images_per_epoch=13: class 1 has only 12 images"):
        ClassBatches(images, [1, 2], 13, [random_stream(0, "a")] * 2, "cpu")


def test_a_state_of_other_images_does_not_fit(folder):
    task = make(folder)
    state = task.state_dict()
    state["images"]["counts"] = [12, 11]
    with pytest.raises(UserError, match="numbers of images"):
        task.load_state_dict(state)


@pytest.mark.parametrize(("hidden", "count"), [((0, 0), 4), ((8, 5), 8)])
def test_weights_are_named_by_the_equations(folder, hidden, count):
    words = [f"{p}_hidden={w}" for p, w in zip(("generator", "discriminator"), hidden, strict=True)]
    weights = make(folder, *words)._weights()
    assert len(weights) == count
    if count == 4:
        shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        assert shapes == {
            "W_G": (2, 6, 784), "B_G": (2, 1, 784), "W_D": (2, 784, 1), "B_D": (2, 1, 1),
        }  # fmt: skip
    else:
        letters = [f"{a}_{p}{i}" for p, i, a in itertools.product("GD", "12", "WB")]
        assert list(weights) == letters


def test_identity_tells_settings_apart(folder):
    config = make(folder).config
    assert config.short_name == "one-layer-folder-s0"
    assert config.label == "single layers, sgd"
    assert dataclasses.replace(config, generator_hidden=8).label == "MLPs, sgd"
    assert dataclasses.replace(config, reduction="mean").identity != config.identity
