"""The game: what a step changes, that it resumes bit for bit, that every loss can be played."""

import copy
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lab.cli import compose_config
from lab.engine import process
from lab.engine.jobs import perform
from lab.engine.process import seed_everything
from lab.engine.task import evaluate, evaluate_at_start
from lab.generation.config import GanConfig
from lab.generation.latent import generate
from lab.generation.task import GanTask
from tests.images.small_data import MNIST_FILES, random_arrays, write_raw_files

TINY = ("task=gan", "data=folder", "batch_size=8", "max_steps=20", "sample_every=4")
MLP = (
    "generator=mlp", "discriminator=mlp", "generator.widths=[16]", "discriminator.widths=[16]",
    "generator.latent=5",
)  # fmt: skip
CONVOLUTIONAL = (
    "generator=conv", "discriminator=conv", "generator.width=4", "generator.hidden=[8]",
    "discriminator.width=4", "precision=bf16",
)  # fmt: skip


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """Images without labels need no judge, so that a task is built at once."""
    folder = tmp_path_factory.mktemp("images")
    write_raw_files(folder, random_arrays())
    for name in MNIST_FILES[1::2]:
        (folder / name).unlink()
    return folder


def make(folder, *overrides: str) -> GanTask:
    networks = () if "generator=conv" in overrides else MLP
    config = compose_config(*TINY, f"data.root={folder}", *networks, *overrides)
    assert isinstance(config, GanConfig)
    seed_everything(config.seed)
    return GanTask(config, "cpu")


def flat_folder(folder: Path, width: int, height: int) -> Path:
    """Images of one size, without classes."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(21):  # of which every seventh is a test image
        pixels = random.integers(0, 256, (height, width), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


@pytest.mark.parametrize(("width", "height"), [(8, 8), (30, 20)])
def test_the_default_pair_takes_images_of_many_sizes(tmp_path, width, height):
    folder = flat_folder(tmp_path / "images", width, height)
    config = compose_config(*TINY, f"data.root={folder}", "size=small")
    task = GanTask(config, "cpu")
    losses = play(task, 2)
    assert all(math.isfinite(value) for step in losses for value in step.values())
    images = generate(task.sampled, torch.zeros(3, task.prior.latent))
    assert images.shape == (3, 1, height, width)


def test_a_size_that_the_default_refuses_gets_one_line_with_the_pair_that_takes_it(tmp_path):
    folder = flat_folder(tmp_path / "images", 64, 15)
    words = (*TINY, f"data.root={folder}", f"out_dir={tmp_path / 'out'}", "device=cpu")
    outcome = perform(compose_config(*words), [])
    assert outcome.kind == "failed"
    assert "images of 64x15 do not fit the convolutional pair" in outcome.line
    assert outcome.line.endswith("generator=mlp discriminator=mlp takes any size")
    assert "\n" not in outcome.line
    assert not (tmp_path / "out").exists()
    config = compose_config(*words, *MLP)
    assert isinstance(GanTask(config, "cpu"), GanTask)


def play(task: GanTask, steps: int) -> list[dict[str, float]]:
    """As the loop does it, but that quality is not measured."""
    (samples,) = (evaluator for evaluator in task.evaluators if evaluator.name == "samples")
    task.evaluators = [samples]
    if task.steps == 0:
        evaluate_at_start(task)
    losses = []
    for _ in range(steps):
        losses.append({name: float(value) for name, value in task.step().items()})
        evaluate(task, task.steps)
    return losses


@pytest.mark.parametrize(("flags", "used"), [({"avx512_bf16"}, "bf16"), (set(), "fp32")])
def test_auto_gives_the_numbers_of_the_precision_that_the_device_has(
    unlabelled, monkeypatch, flags, used
):
    monkeypatch.setattr(process, "cpu_flags", lambda: flags)
    chosen, named = make(unlabelled, "precision=auto"), make(unlabelled, f"precision={used}")
    assert chosen.precision == used
    seed_everything(1)
    expected = play(named, 3)
    seed_everything(1)
    assert play(chosen, 3) == expected


@pytest.mark.parametrize(
    ("loss", "precision"),
    [("minimax", "fp32"), ("non_saturating", "fp32"), ("hinge", "bf16"), ("wasserstein", "bf16"),
     ("relativistic", "bf16")],
)  # fmt: skip
def test_every_loss_moves_both_players(unlabelled, loss, precision):
    task = make(unlabelled, f"loss={loss}", f"precision={precision}")
    assert (task.config.gradient_penalty == 10) is (loss == "wasserstein")
    before = copy.deepcopy(task.state_dict())
    metrics = {name: float(value) for name, value in task.step().items()}
    assert all(map(math.isfinite, metrics.values()))
    decided = {"d_real", "d_fake", "d_accuracy"} & metrics.keys()
    assert decided == {
        "wasserstein": set(),
        "relativistic": {"d_accuracy"},  # of pairs
    }.get(loss, {"d_real", "d_fake", "d_accuracy"})
    assert all(0 <= metrics[name] <= 1 for name in decided)
    for player in ("generator", "discriminator"):
        now = getattr(task, player).state_dict()
        assert any(not torch.equal(now[name], old) for name, old in before[player].items())


def test_a_lazy_penalty_is_added_every_so_many_steps(unlabelled, monkeypatch):
    task = make(unlabelled, "loss=relativistic", "loss.penalty_every=3")
    at = []

    def penalty(discriminator, real, fake):
        at.append(task.steps)
        return 0 * discriminator(real).sum()

    monkeypatch.setattr(task.loss, "penalty", penalty)
    play(task, 8)
    assert at == [0, 3, 6]


def test_each_player_has_a_learning_rate_of_its_own(unlabelled):
    task = make(unlabelled, "optimizer.lr=0.001", "discriminator_lr=0.003", "lr_schedule=constant")
    rates = {name: o.param_groups[0]["lr"] for name, o in task.optimizers.items()}
    assert rates == {"generator": 0.001, "discriminator": 0.003}
    task = make(unlabelled, "optimizer.lr=0.001", "discriminator_lr=null")
    assert task.optimizers["discriminator"].param_groups[0]["lr"] == 0.001


def test_the_generators_step_leaves_the_discriminator_alone(unlabelled):
    task = make(unlabelled, "discriminator_lr=1e-30", "discriminator.spectral_norm=false")
    before = copy.deepcopy(task.discriminator.state_dict())
    task.step()
    for name, value in task.discriminator.state_dict().items():
        assert torch.allclose(value, before[name], atol=1e-12)
    assert all(p.requires_grad for p in task.discriminator.parameters())


def test_without_ema_the_generator_itself_is_sampled_from(unlabelled):
    task = make(unlabelled, "ema=null")
    assert task.sampled is task.generator
    assert make(unlabelled).sampled is not task.generator


def test_the_frames_are_of_one_latent_batch(unlabelled):
    task = make(unlabelled, "optimizer.lr=1e-30", "ema=null", "discriminator_lr=1e-3")
    play(task, 8)
    first, later = task.frames[0].int(), task.frames[8].int()
    # BatchNorm's running statistics move, the weights do not.
    assert np.corrcoef(first.flatten(), later.flatten())[0, 1] > 0.5


def test_a_sheet_is_drawn_at_half_whatever_sample_every_is(unlabelled):
    at_half = lambda *words: [e.every for e in make(unlabelled, *words).evaluators[2:]]  # noqa: E731
    assert at_half("sample_every=20") == [10]
    assert at_half("sample_every=5") == at_half("max_steps=1") == []


def test_batch_norm_needs_two_images(unlabelled):
    with pytest.raises(Exception, match="batch_size=1 is not allowed: expected at least 2"):
        make(unlabelled, "batch_size=1")


def test_identity_tells_data_sets_apart(unlabelled):
    config = make(unlabelled).config
    assert config.short_name == "gan-folder-s0"
    other = dataclasses.replace(config, data={**config.data, "root": "/elsewhere"})
    assert other.identity != config.identity
