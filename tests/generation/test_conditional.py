"""A generator that is asked for a class: that it makes it, and who cannot be asked."""

import pytest
import torch
from torch import nn

from lab.cli import compose_config
from lab.config.errors import UserError
from lab.config.trust import EVERYTHING, trusting
from lab.engine.process import seed_everything
from lab.generation import networks
from lab.generation.config import GanConfig
from lab.generation.latent import generate
from lab.generation.players import Asked, Prior, build_player, network_args
from lab.generation.task import GanTask
from tests.generation.test_gan_task import play
from tests.images.small_data import MNIST_FILES, write_bars

SHAPE = (1, 12, 12)
MLP = (
    "generator=mlp", "discriminator=mlp", "generator.widths=[64]", "discriminator.widths=[64]",
    "generator.latent=8",
)  # fmt: skip
CONVOLUTIONAL = (
    "generator=conv", "discriminator=conv", "generator.width=4", "generator.hidden=[16]",
    "discriminator.width=4", "generator.latent=8",
)  # fmt: skip


SMALLEST: dict[type, dict] = {
    networks.MLPGenerator: {"widths": [64]},
    networks.ConvGenerator: {"width": 4, "hidden": [16]},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Images of three classes; a column of bright bars tells them apart."""
    folder = tmp_path_factory.mktemp("images")
    write_bars(folder, 120, 12, side=12)
    return folder


@pytest.fixture
def make(images, monkeypatch):
    """Builds tasks without a classifier, which would take longer to train than they do."""
    monkeypatch.setattr("lab.generation.image_task.why_not_measured", lambda data: "not here")

    def build(*overrides: str, root=images) -> GanTask:
        words = ("task=gan", "data=folder", f"data.root={root}", "batch_size=20", "ema=0.98",
                 "conditional=true", "epochs=1000", "sample_every=100")  # fmt: skip
        config = compose_config(*words, *overrides)
        assert isinstance(config, GanConfig)
        seed_everything(config.seed)
        return GanTask(config, "cpu")

    return build


def brightest(images: torch.Tensor) -> torch.Tensor:
    """The class of images of bars, by where most of the light is."""
    columns = images.mean((1, 2))  # [N, 12]
    return torch.stack([columns[:, 2 + 4 * k : 4 + 4 * k].mean(1) for k in range(3)]).argmax(0)


@pytest.mark.parametrize(
    "overrides", [(*MLP, "max_steps=200"), (*CONVOLUTIONAL, "max_steps=160")], ids=["mlp", "conv"]
)
def test_a_class_asked_for_is_the_class_made(make, overrides):
    task = make(*overrides, "optimizer.lr=2e-3", "discriminator_lr=4e-3")
    play(task, task.total_steps)
    z, labels = task.prior.draw(300, torch.Generator().manual_seed(0))
    assert torch.bincount(labels).min() > 70
    made = brightest(generate(task.sampled.eval(), z, labels))
    assert (made == labels).float().mean() > 0.9
    # The same z makes another class where another is asked for.
    other = (labels + 1) % 3
    assert (brightest(generate(task.sampled, z, other)) == other).float().mean() > 0.9
    # The sheet has a row for each class.
    rows = torch.arange(3).repeat_interleave(10)
    last = task.frames[task.total_steps].float()[:, None] / 127.5 - 1
    assert torch.equal(brightest(last), rows)


@pytest.mark.parametrize("generator", [networks.MLPGenerator, networks.ConvGenerator])
def test_at_the_start_z_says_more_than_the_class(generator):
    # The other way round a convolutional generator learns one image for each class.
    torch.manual_seed(0)
    network = generator(latent=100, image_shape=SHAPE, classes=10, **SMALLEST[generator]).eval()
    z, labels = torch.randn(10, 100), torch.arange(10)
    images = torch.stack([network(z[[i] * 10], labels) for i in range(10)])  # [z, class, C, H, W]
    of_z, of_class = images.var(0).mean(), images.var(1).mean()
    assert of_z > 10 * of_class


def test_the_batch_is_judged_with_the_classes_of_its_images(make):
    task = make(*MLP)
    told = []
    task.discriminator.register_forward_pre_hook(lambda module, args: told.append(args))
    task.step()
    (both, labels), (_, of_fake) = told
    assert torch.equal(labels[:20], labels[20:])
    assert torch.equal(labels[:20], of_fake)
    assert torch.equal(brightest(both[:20]), labels[:20])


def test_without_the_key_nothing_is_asked_for(make):
    task = make(*MLP, "conditional=false")
    assert task.prior.draw(3, torch.Generator()).labels is None
    assert "class_accuracy" not in task.columns
    assert "class_accuracy" in make(*MLP).columns
    names = task.sampled.state_dict().keys()
    assert names < make(*MLP).sampled.state_dict().keys()
    assert "conditional" not in task.config.to_dict() or not task.config.conditional


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (MNIST_FILES[::2], "conditional=true needs labels of several classes"),
        (MNIST_FILES[:3], "conditional=true needs labels of the test images too"),
    ],
)
def test_images_without_labels_cannot_be_asked_for(make, images, tmp_path, files, complaint):
    for name in files:
        (tmp_path / name).write_bytes((images / name).read_bytes())
    with pytest.raises(UserError, match=complaint):
        make(*MLP, root=tmp_path)


class NoClasses(nn.Module):
    def __init__(self, latent: int, *, image_shape: tuple[int, int, int]) -> None:
        super().__init__()


def test_a_network_that_takes_no_classes_is_refused():
    own = {"_target_": "tests.generation.test_conditional.NoClasses", "latent": 4}
    with (
        trusting(EVERYTHING),
        pytest.raises(UserError, match="NoClasses cannot be asked for a class"),
    ):
        build_player("generator", own, SHAPE, 3)
    with trusting(EVERYTHING):
        assert isinstance(build_player("generator", own, SHAPE, 0), NoClasses)


def test_classes_are_drawn_with_their_shares():
    asked = Asked(torch.tensor([0] * 30 + [1] * 10), ("a", "b"))
    labels = Prior(4, asked, "cpu").draw(4000, torch.Generator().manual_seed(0)).labels
    assert labels is not None
    assert labels.float().mean().item() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("kind", [networks.MLPDiscriminator, networks.ConvDiscriminator])
def test_the_projection_is_the_papers(kind):
    discriminator = kind(
        [6] if kind is networks.MLPDiscriminator else 2, image_shape=SHAPE, classes=3
    )
    x = torch.rand(5, *SHAPE)
    labels = torch.tensor([2, 0, 1, 1, 2])
    flat = x.flatten(1) if kind is networks.MLPDiscriminator else x
    features = discriminator.layers[:-1](flat)
    plain = discriminator.layers[-1](features).squeeze(1)
    wanted = plain + (discriminator.projection.weight[labels] * features).sum(1)
    torch.testing.assert_close(discriminator(x, labels), wanted)


@pytest.mark.parametrize(
    "generator",
    [
        networks.MLPGenerator(4, [8], image_shape=SHAPE, classes=3),
        networks.ConvGenerator(4, 2, [8], image_shape=SHAPE, classes=3),
    ],
)
def test_a_share_of_one_is_the_class_itself(generator):
    generator.eval()
    z, labels = torch.randn(3, 4), torch.tensor([2, 0, 1])
    whole = nn.functional.one_hot(labels, 3).float()
    torch.testing.assert_close(generator(z, whole), generator(z, labels))
    half = generator(z, torch.full((3, 3), 1 / 3))
    assert not torch.allclose(half, generator(z, labels))


def test_the_classes_are_repeated_for_each_half_of_a_batch():
    x, labels = network_args(torch.zeros(4, 1), torch.tensor([7, 8]))
    assert labels.tolist() == [7, 8, 7, 8]
    assert network_args(x, None) == (x,)
