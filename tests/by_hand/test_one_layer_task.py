"""The by-hand task: what an epoch draws and changes, that it resumes, what is measured."""

import dataclasses

import pytest
import torch

from lab.by_hand.batches import ClassBatches, class_images
from lab.by_hand.config import OneLayerConfig
from lab.by_hand.measures import as_images
from lab.by_hand.task import OneLayerTask
from lab.cli import compose_config
from lab.config.errors import UserError
from lab.engine.process import random_stream
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


def test_epochs_that_frames_do_not_divide_end_with_a_frame(folder):
    task = make(folder, "max_steps=11", "frame_every=4")
    train(task, task.total_steps)
    assert list(task.frames) == list(task.history) == [0, 4, 8, 11]
    assert task.frames[11].shape == (2, 25, 12, 12)
    assert task.frames[11].dtype == torch.uint8


def test_it_learns_the_mean_image(folder):
    task = make(folder, "epochs=300", "images_per_epoch=12", "frame_every=50")
    last = train(task, 300)[-1]
    assert last["correlation"] > 0.8
    assert last["correlation"] > max(task.history[0]["correlation"]) + 0.3


def test_images_given_to_the_nets_lie_from_0_to_1_and_those_read_from_minus_1(folder):
    batch = make(folder).images.next()
    assert batch.shape == (2, 10, 144)
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


def test_identity_tells_settings_apart(folder):
    config = make(folder).config
    assert config.short_name == "one-layer-folder-s0"
    assert config.label == "single layers, sgd"
    assert dataclasses.replace(config, generator_hidden=8).label == "MLPs, sgd"
    assert dataclasses.replace(config, reduction="mean").identity != config.identity
