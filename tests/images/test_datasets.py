"""Pixels as floats, and batches that go on after a stop as if there had been none."""

import io

import pytest
import torch

from lab.config.errors import UserError
from lab.images.datasets import (
    Batches,
    Images,
    first_or_fixed,
    fixed_subset,
    to_bytes,
    to_float,
)


def numbered(count):
    """Images that are told apart by every pixel."""
    return torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(count, 3, 4, 5).clone()


def batches(count=10, batch_size=3, seed=0):
    return Batches(numbered(count), batch_size, torch.Generator().manual_seed(seed))


def numbers(batch):
    return ((batch[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_floats_span_minus_one_to_one():
    pixels = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    images = to_float(pixels)
    assert images.shape == pixels.shape
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (-1, 1)
    assert torch.equal(to_bytes(images), pixels)


def test_floats_outside_their_range_do_not_wrap_round():
    assert to_bytes(torch.tensor([-9.0, -1.02, 1.02, 3.5])).tolist() == [0, 0, 255, 255]


def split(labels):
    labels = torch.tensor(labels)
    classes = tuple(map(str, range(int(labels.max()) + 1)))
    return Images("numbered", numbered(len(labels)), labels, classes, "")


def test_a_part_of_a_split_has_all_classes():
    mixed, by_class = [k % 10 for k in range(200)], [k // 20 for k in range(200)]
    assert first_or_fixed(split(mixed), 50).tolist() == list(range(50))  # as in earlier runs
    in_blocks = by_class[100:] + by_class[:100]
    for labels in (by_class, in_blocks):
        chosen = first_or_fixed(split(labels), 50)
        assert len(set(chosen.tolist())) == 50
        assert set(torch.tensor(labels)[chosen].tolist()) == set(range(10))
        assert torch.equal(chosen, first_or_fixed(split(labels), 50))
    unlabelled = Images("numbered", numbered(200), None, (), "")
    assert torch.equal(first_or_fixed(unlabelled, 50), fixed_subset(200, 50))


def test_an_epoch_shows_every_image_at_most_once():
    sampler = batches()
    assert sampler.steps_per_epoch == 3
    epochs = [[n for _ in range(3) for n in numbers(sampler.next())] for _ in range(50)]
    assert all(len(set(epoch)) == 9 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 50
    # The one left out is another one each time.
    assert {n for epoch in epochs for n in set(range(10)) - set(epoch)} == set(range(10))


@pytest.mark.parametrize("taken", [0, 1, 3, 4, 17])
def test_a_restored_sampler_goes_on_bit_for_bit(taken):
    sampler = batches()
    for _ in range(taken):
        sampler.next()
    file = io.BytesIO()
    torch.save(sampler.state_dict(), file)
    file.seek(0)
    restored = batches(seed=99)
    restored.load_state_dict(torch.load(file, weights_only=True))
    for _ in range(10):
        assert torch.equal(sampler.next(), restored.next())


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    batches().next()
    assert torch.equal(before, torch.get_rng_state())


def test_a_state_of_other_data_is_refused():
    with pytest.raises(UserError, match=r"began with 10 images, but now there are 11.*fresh=true"):
        batches(11).load_state_dict(batches(10).state_dict())


@pytest.mark.parametrize("batch_size", [0, 11])
def test_a_batch_larger_than_the_data_is_refused(batch_size):
    with pytest.raises(UserError, match=rf"batch_size={batch_size}: expected 1 to 10"):
        batches(10, batch_size)
