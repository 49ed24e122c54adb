"""The stacked GANs: one step against autograd, resumption, independence, what they learn."""

import copy
import io
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from lab.by_hand.config import OneLayerConfig
from lab.by_hand.gans import StackedGans
from lab.cli import compose_config
from lab.engine.process import random_stream


def settings(*words: str) -> OneLayerConfig:
    config = compose_config("task=one_layer_gan", "noise_size=4", *words)
    assert isinstance(config, OneLayerConfig)
    return config


DIGITS = range(10)
BATCH, PIXELS = 6, 12
WIDTHS = [(0, 0), (7, 5)]
UPDATES: list[tuple[Any, Any]] = [("sum", "sgd"), ("mean", "sgd"), ("mean", "adam")]
CONFIGS = [
    settings(
        f"generator_hidden={g}",
        f"discriminator_hidden={d}",
        "init_scale=0.3",
        f"reduction={reduction}",
        f"rule={rule}",
        "lr=0.02",
        "discriminator_lr=0.03",
        "discriminator_decay=0.5",
    )
    for g, d in WIDTHS
    for reduction, rule in UPDATES
]
by_config = pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda c: f"{c.generator_hidden}-{c.reduction}-{c.rule}"
)


def make(config: OneLayerConfig, digits: Any = DIGITS) -> StackedGans:
    rngs = [random_stream(0, f"digit {digit}") for digit in digits]
    return StackedGans(rngs, config, pixels=PIXELS, dtype=torch.float64)


def real_images(digits: Any = DIGITS) -> Tensor:
    images = torch.rand(10, BATCH, PIXELS, generator=random_stream(1, "real"), dtype=torch.float64)
    return images[list(digits)]


class AutogradGans:
    """The same game in the words of torch: forward, loss, `backward`, torch.optim."""

    def __init__(self, gans: StackedGans) -> None:
        self.g = [p.clone().requires_grad_() for p in gans.generator.params]
        self.d = [p.clone().requires_grad_() for p in gans.discriminator.params]
        self.mean = gans.config.reduction == "mean"
        self.decay = gans.config.discriminator_decay
        kind: Any = torch.optim.Adam if gans.config.rule == "adam" else torch.optim.SGD
        self.g_optimizer = kind(self.g, lr=gans.config.lr)
        self.d_optimizer = kind(self.d, lr=gans.config.discriminator_lr)

    def forward(self, params: list[Tensor], x: Tensor) -> Tensor:
        for i in range(0, len(params), 2):
            x = torch.relu(x) if i else x
            x = torch.baddbmm(params[i + 1], x, params[i])
        return x

    def step(self, real: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        scale = 1 / real.shape[1] if self.mean else 1
        fake = torch.relu(self.forward(self.g, noise))
        halves = [(real, 1.0), (fake.detach(), 0.0)]
        losses = []
        for images, target in halves:
            f = self.forward(self.d, images)
            aim = torch.full_like(f, target)
            losses.append(binary_cross_entropy_with_logits(f, aim, reduction="none"))
        d_loss = torch.stack(losses).sum(0)
        penalty = self.decay / 2 * sum(weight.square().sum() for weight in self.d[::2])
        self.d_optimizer.zero_grad()
        (d_loss.sum() * scale + penalty).backward()
        self.d_optimizer.step()
        g_loss = softplus(-self.forward(self.d, fake))
        self.g_optimizer.zero_grad()
        (g_loss.sum() * scale).backward()
        self.g_optimizer.step()
        return d_loss.detach().mean((1, 2)), g_loss.detach().mean((1, 2))


@by_config
def test_steps_agree_with_autograd(config: OneLayerConfig):
    gans, real = make(config), real_images()
    theirs, draws = AutogradGans(gans), make(config)
    for _ in range(5):
        got = gans.step(real)
        expected = theirs.step(real, draws.noise(BATCH))
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    params = [*gans.generator.params, *gans.discriminator.params]
    expected_params = [p.detach() for p in [*theirs.g, *theirs.d]]
    torch.testing.assert_close(params, expected_params, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("config", CONFIGS[2:6:3], ids=["single, adam", "MLP, adam"])
def test_resumes_bit_for_bit_from_a_file_read_with_weights_only(config: OneLayerConfig):
    straight, interrupted, real = make(config), make(config), real_images()
    for _ in range(6):
        straight.step(real)
    for _ in range(3):
        interrupted.step(real)
    file = io.BytesIO()
    torch.save(interrupted.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    before, resumed = copy.deepcopy(state), make(config)
    resumed.load_state_dict(state)
    for _ in range(3):
        resumed.step(real)
    assert_equal(state, before)  # it was copied
    assert_equal(resumed.state_dict(), straight.state_dict())


def assert_equal(a: Any, b: Any) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=0)


@by_config
def test_ten_in_a_stack_are_ten_single_ones(config: OneLayerConfig):
    stack, real = make(config), real_images()
    for _ in range(5):
        stack.step(real)
    for digit in DIGITS:
        single = make(config, [digit])
        for _ in range(5):
            single.step(real[digit : digit + 1])
        for many, one in zip(stack.generator.params, single.generator.params, strict=True):
            torch.testing.assert_close(many[digit], one[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "mean", "low"), [("normal", 0.0, -float("inf")), ("uniform", 0.5, 0.0)]
)
def test_noise_is_of_the_kind_asked_for(kind: Any, mean: float, low: float):
    noise = make(settings(f"noise={kind}", "noise_size=100")).noise(50)
    assert noise.shape == (10, 50, 100)
    assert noise.mean() == pytest.approx(mean, abs=0.02)
    assert low <= noise.min() < 0.01


def test_a_state_of_other_gans_is_refused():
    state = make(CONFIGS[0]).state_dict()
    with pytest.raises(ValueError, match="other GANs"):
        make(CONFIGS[0], [1, 2]).load_state_dict(state)
    with pytest.raises(ValueError, match="other GANs"):
        make(CONFIGS[3]).load_state_dict(state)


def test_finite_where_the_discriminator_saturates():
    config = settings("init_scale=1.0", "discriminator_lr=1e3", "lr=1e-3")
    rngs = [random_stream(0, "saturated")]
    gans = StackedGans(rngs, config, pixels=PIXELS)
    real = real_images([0]).float()
    for _ in range(20):
        losses = gans.step(real)
        assert all(loss.isfinite().all() for loss in losses)
    assert gans.logits(real).abs().max() > 1e3
    assert all(param.isfinite().all() for param in gans.generator.params)
