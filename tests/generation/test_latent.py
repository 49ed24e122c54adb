"""Walks and sums on a plane of z where the classes are known sectors."""

import math

import pytest
import torch
from torch import nn

from lab.config.errors import UserError
from lab.generation import pictures
from lab.generation.latent import (
    clamped_share,
    closed_path,
    different_pairs,
    draw,
    generate,
    images_along,
    interpolate,
    largest_step,
    nearest,
    path_length,
    read_along,
    roof_rows,
    third_classes,
)
from lab.generation.players import Prior
from lab.images.classifier import Classifier
from lab.images.datasets import Data, Images, to_bytes


class Plane(nn.Module):
    """Writes an eighth of z = (x, y) into the first two pixels, which are in [-1, 1]."""

    latent = 2

    def forward(self, z):
        images = torch.zeros(len(z), 1, 28, 28)
        images[:, 0, 0, :2] = z / 8
        return images


class Sectors(Classifier):
    """Reads z again: class e, n, w or s by its direction, its features are z itself."""

    def __init__(self):
        super().__init__(("e", "n", "w", "s"), (1, 28, 28))

    def forward(self, images):
        z = 8 * images[:, 0, 0, :2]
        directions = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
        return 20 * z @ directions.T, z


E, N, W, S = range(4)
PLANE, SECTORS = Plane().eval(), Sectors().eval()


def random(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def draws():
    return draw(PLANE, SECTORS, 1000, random())


def test_draws_are_repeatable_and_read(draws):
    assert draws.z.shape == (1000, 2)
    assert torch.equal(draws.z, draw(PLANE, SECTORS, 1000, random()).z)
    x, y = draws.z.T
    assert torch.equal(draws.readings.labels == E, (x > y.abs()))
    assert torch.equal(8 * generate(PLANE, draws.z)[:, 0, 0, :2], draws.z)


def test_sure_samples_are_of_the_class(draws):
    z = draws.sure_of(N)
    assert len(z) > 100
    assert (z[:, 1] - z[:, 0].abs() > 0.1).all()


def test_a_class_never_made_is_named_with_what_is_made():
    class East(Plane):
        def forward(self, z):
            return super().forward(torch.tensor([[3.0, 0.0]]).expand(len(z), 2))

    draws = draw(East(), SECTORS, 50, random())
    with pytest.raises(UserError, match=r"no clear s in 50 samples; it makes e \(50\)"):
        draws.sure_of(S)
    with pytest.raises(UserError, match="fewer than two classes"):
        different_pairs(draws, 5, random())


def test_spherical_walks_turn_evenly():
    start, end = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0])
    walk = interpolate(start, end, between=7, spherical=True)
    turned = torch.atan2(walk[:, 1], walk[:, 0])
    torch.testing.assert_close(turned, torch.linspace(0, math.pi / 2, 9))
    torch.testing.assert_close(walk.norm(dim=1), torch.linspace(2, 4, 9))
    # On a sphere of 100 dimensions the straight way leads through the inside.
    ends = torch.nn.functional.normalize(torch.randn(2, 100, generator=random()), dim=1)
    assert interpolate(*ends, spherical=True).norm(dim=1).min() > 0.999
    assert interpolate(*ends).norm(dim=1).min() < 0.8


def test_a_closed_path_ends_one_step_before_it_begins():
    corners = torch.eye(4)[:3]
    path = closed_path(corners, between=2)
    assert path.shape == (9, 4)
    assert torch.equal(path[::3], corners)
    steps = (path.roll(-1, 0) - path).norm(dim=1)
    assert torch.allclose(steps, steps[:1].expand(9), atol=1e-6)
    assert torch.allclose(path.norm(dim=1), torch.ones(9))


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_spherical_walk_without_a_turn_is_straight(factor):
    z = torch.randn(4, generator=random())
    walk = interpolate(z, factor * z, spherical=True)
    torch.testing.assert_close(walk, interpolate(z, factor * z))


def test_a_third_class_between_two(draws):
    starts = torch.tensor([[2.0, 0.1], [2.0, 0.1], [2.0, 0.0]])
    ends = torch.tensor([[-2.0, 0.1], [0.1, 2.0], [-2.0, 6.0]])
    readings = read_along(SECTORS, images_along(PLANE, interpolate(starts, ends)))
    assert readings.features.shape == (3, 9, 2)
    between = third_classes(readings.logits.argmax(-1), 4)
    assert between.tolist() == [
        [False, True, False, False],  # from e to w through n
        [False, False, False, False],  # from e to n directly
        [False, False, False, False],  # to n in the end
    ]
    asked = third_classes(torch.tensor([[2, 2, 2], [0, 2, 1]]), 4, torch.tensor([0, 1]))
    assert asked.tolist() == [[False, False, True, False]] * 2  # also if G makes nothing but a 2
    lengths = path_length(readings.features)
    torch.testing.assert_close(lengths, (ends - starts).norm(dim=1))
    torch.testing.assert_close(largest_step(readings.features), torch.full((3,), 1 / 8))
    assert largest_step(torch.zeros(3, 2)).item() == 0  # of images that are all alike


def test_ends_of_walks_are_of_different_classes(draws):
    starts, ends = different_pairs(draws, 200, random())
    assert starts.shape == ends.shape == (200, 2)
    labels = [SECTORS.read(generate(PLANE, z)).labels for z in (starts, ends)]
    assert (labels[0] != labels[1]).all()
    # Every ordered pair comes up.
    assert len({*zip(labels[0].tolist(), labels[1].tolist(), strict=True)}) == 12


def test_the_rows_of_the_source():
    plus, minus, base = torch.randn(3, 2, generator=random())
    rows = roof_rows(plus, minus, base)
    assert rows.shape == (2, 9, 2)
    torch.testing.assert_close(rows[0, 0], plus - minus)
    torch.testing.assert_close(rows[1, 0], base + 1.2 * (plus - minus))
    torch.testing.assert_close(rows[:, -1], base.expand(2, 2))


def test_nearest_against_brute_force(monkeypatch):
    monkeypatch.setattr("lab.generation.latent.ROWS", 3)
    images = torch.randn(10, 3, 2, 2, generator=random())
    pixels = torch.randint(256, (50, 3, 2, 2), generator=random(), dtype=torch.uint8)
    indices, distances = nearest(images, pixels)
    for image, index, distance in zip(images, indices, distances, strict=True):
        apart = (pixels / 127.5 - 1 - image).flatten(1).norm(dim=1)
        assert index == apart.argmin()
        torch.testing.assert_close(distance, apart.min())


def test_the_picture_has_the_samples_most_like_real_images_of_which_the_classifier_is_sure(draws):
    real = torch.tensor([[0.0, 2.0], [1.5, 0.0], [0.3, 0.29]])
    north = draws.most_real(N, real[:1])
    assert north in draws.sure_of(N)
    distances = (draws.sure_of(N) - real[0]).norm(dim=1)
    assert (north - real[0]).norm() == pytest.approx(float(distances.min()))

    # The first is nearest to what is real, but nobody is sure of its first end.
    starts = torch.tensor([[0.3, 0.29], [1.0, 0.0], [1.5, 0.0]])
    ends = torch.tensor([[0.0, 2.0], [0.0, 5.0], [0.0, 2.5]])
    shown, least = pictures._to_be_shown(PLANE, SECTORS, real, starts, ends)
    assert (shown, least) == (2, pytest.approx(1.0))
    shown, least = pictures._to_be_shown(PLANE, SECTORS, real, starts[:1], ends[:1])
    assert (shown, least) == (0, pytest.approx(0.55, abs=0.05))


def test_the_picture_says_how_sure_the_classifier_is_of_its_ends(draws):
    pixels = to_bytes(generate(PLANE, draws.z[:50]))
    test = Images("plane", pixels, draws.readings.labels[:50], SECTORS.classes, "")
    space = pictures.Space(PLANE, Prior(2, None, "cpu"), SECTORS, Data(test, test, ""))
    figure, result = space.interpolation(draws, random())
    (caption,) = (text.get_text() for text in figure.texts)
    assert caption.startswith("below each image: the class that the classifier reads in it; at z1")
    assert float(caption.split()[-2]) >= 99
    assert result["pairs"] == 200
    assert set(result["ends"]) < {"e", "n", "w", "s"}


def test_what_a_generator_makes_beyond_the_range_is_clamped_once_for_all():
    z = torch.linspace(-3, 3, 7)[:, None]
    made = generate(nn.Unflatten(1, (1, 1, 1)), z)
    assert made.flatten().tolist() == [-1, -1, -1, 0, 1, 1, 1]
    assert clamped_share(nn.Unflatten(1, (1, 1, 1)), z) == 4 / 7
