"""Networks built from plain numbers, and the average of a generator."""

import functools

import pytest
import torch
from torch import nn

from lab.generation import networks
from lab.generation.weights import EMA

GREY = (1, 28, 28)
MLPGenerator = functools.partial(networks.MLPGenerator, image_shape=GREY)
MLPDiscriminator = functools.partial(networks.MLPDiscriminator, image_shape=GREY)
ConvGenerator = functools.partial(networks.ConvGenerator, image_shape=GREY)
ConvDiscriminator = functools.partial(networks.ConvDiscriminator, image_shape=GREY)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


GENERATORS = [
    MLPGenerator(latent=6, widths=[8, 16]),
    MLPGenerator(latent=6, widths=[8], batch_norm=False),
    MLPGenerator(latent=6, widths=[]),
    ConvGenerator(latent=6, width=4),
    ConvGenerator(latent=6, width=4, hidden=[8, 8]),
]
DISCRIMINATORS = [
    MLPDiscriminator(widths=[16, 8]),
    MLPDiscriminator(widths=[16, 8], dropout=0.4, spectral_norm=True),
    ConvDiscriminator(width=4),
    ConvDiscriminator(width=4, dropout=0.4, spectral_norm=True),
]


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_generator_gives_images(generator):
    images = generator(100 * torch.randn(5, generator.latent))
    assert images.shape == (5, 1, 28, 28)
    assert images.abs().max() <= 1


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_a_discriminator_gives_a_logit_an_image(discriminator):
    discriminator.eval()
    images = torch.randn(5, 1, 28, 28)
    logits = discriminator(images)
    assert logits.shape == (5,)
    # Of each image alone, as the gradient penalty needs it.
    assert torch.allclose(logits[2:3], discriminator(images[2:3]), atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 64, 64), (3, 9, 31), (1, 8, 8), (3, 64, 16)])
def test_images_of_any_size_to_64_in_grey_or_colour(shape):
    players = [
        (networks.MLPGenerator(6, [8], image_shape=shape),
         networks.MLPDiscriminator([8], image_shape=shape)),
        (networks.ConvGenerator(6, 4, image_shape=shape),
         networks.ConvDiscriminator(4, spectral_norm=True, image_shape=shape)),
    ]  # fmt: skip
    for generator, discriminator in players:
        images = generator(torch.randn(5, 6))
        assert images.shape == (5, *shape)
        assert discriminator(images).shape == (5,)


ANY_SIZE = "generator=mlp discriminator=mlp takes any size$"


@pytest.mark.parametrize("shape", [(1, 7, 28), (3, 65, 64), (1, 64, 15)])
@pytest.mark.parametrize("kind", [networks.ConvGenerator, networks.ConvDiscriminator])
def test_sizes_that_convolutions_cannot_make_are_refused(kind, shape):
    sizes = {"latent": 6} if kind is networks.ConvGenerator else {}
    with pytest.raises(
        ValueError, match=f"images of {shape[2]}x{shape[1]} do not fit the conv.*{ANY_SIZE}"
    ):
        kind(**sizes, width=4, image_shape=shape)
    assert networks.MLPGenerator(6, [8], image_shape=shape)(torch.randn(2, 6)).shape[1:] == shape


def test_the_sources_networks_have_the_sizes_they_should():
    widths = [128, 256, 512, 1024]
    sizes = [100, *widths]
    # A weight a pair and, through BatchNorm, a scale and a shift a unit; the last layer has biases.
    hidden = sum(a * b + 2 * b for a, b in zip(sizes, widths, strict=False))
    assert parameters(MLPGenerator(100, widths)) == hidden + 1024 * 784 + 784
    strong = 784 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    assert parameters(MLPDiscriminator([512, 256])) == strong


def test_the_slope_is_used():
    generator = MLPGenerator(4, [8], slope=0.3)
    assert [m.negative_slope for m in generator.modules() if isinstance(m, nn.LeakyReLU)] == [0.3]


@pytest.mark.parametrize("kind", [MLPDiscriminator, ConvDiscriminator])
def test_dropout_works_in_training_alone(kind):
    discriminator = kind([64] if kind is MLPDiscriminator else 8, dropout=0.4)
    images = torch.randn(5, 1, 28, 28)
    assert not torch.equal(discriminator(images), discriminator(images))
    discriminator.eval()
    assert torch.equal(discriminator(images), discriminator(images))


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize("kind", [MLPDiscriminator, ConvDiscriminator])
def test_spectral_norm_bounds_every_weight(kind, spectral_norm):
    size = [64, 32, 16] if kind is MLPDiscriminator else 8
    torch.manual_seed(0)  # the iteration is slow where two singular values are nearly equal
    discriminator = kind(size, spectral_norm=spectral_norm)
    for _ in range(200):  # the power iteration goes on with every step
        discriminator(torch.randn(2, 1, 28, 28))
    norms = [
        torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item()
        for layer in discriminator.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    assert len(norms) == 4
    assert (norms == pytest.approx([1, 1, 1, 1], abs=0.02)) == spectral_norm


@pytest.mark.parametrize(
    ("kind", "arguments", "complaint"),
    [
        (MLPGenerator, {"latent": 4, "widths": [8, 0]}, "greater than or equal to 1"),
        (ConvGenerator, {"latent": 4, "width": 4, "hidden": [0]}, "greater than or equal to 1"),
        (MLPDiscriminator, {"widths": [8], "dropout": 1.0}, "less than 1"),
    ],
)
def test_impossible_numbers_are_refused(kind, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        kind(**arguments)


def step(generator):
    """Something that changes weights and BatchNorm's statistics."""
    generator.train()
    generator(torch.randn(16, generator.latent)).square().mean().backward()
    with torch.no_grad():
        for p in generator.parameters():
            p.add_(torch.randn_like(p), alpha=0.1)
            p.grad = None


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_the_average_is_that_of_weights_and_statistics(decay):
    generator = MLPGenerator(4, [8])
    ema = EMA(generator, decay)
    wanted = {name: value.clone() for name, value in generator.state_dict().items()}
    for t in range(1, 40):
        step(generator)
        ema.update(generator)
        d = min(decay, (1 + t) / (10 + t))
        for name, value in generator.state_dict().items():
            floating = value.is_floating_point()
            wanted[name] = d * wanted[name] + (1 - d) * value if floating else value.clone()
    for name, value in ema.network.state_dict().items():
        torch.testing.assert_close(value, wanted[name], msg=name)
    assert "layers.1.running_var" in wanted
    assert ema.network.training is False
    assert not any(p.requires_grad for p in ema.network.parameters())
