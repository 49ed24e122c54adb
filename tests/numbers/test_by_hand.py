"""The by-hand study's numbers: from its weights and from `marks`; see the package."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import lab
from tests.numbers import CLASSES, MARKS, Classifier, fid, last_row, marks, some, stream

WORDS = (
    *("task=one_layer_gan", *MARKS, "device=cpu", "digits=[2,0]", "images_per_epoch=50"),
    *("noise_size=6", "eval_samples=60", "epochs=300", "frame_every=100", "lr=0.02"),
)
METRICS = (
    "classifier_accuracy",
    "fid",
    "correlation",
    "d_accuracy",
    "d_train_accuracy",
    "clipped_share",
)
DIGITS = (2, 0)


def of_class(split: str, digit: int) -> Tensor:
    """The images of a class, float [n, 64] in [0, 1]."""
    pixels, labels = marks(split)
    return torch.from_numpy(pixels[labels == digit]).flatten(1).float() / 255


@pytest.fixture(scope="module")
def run(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> lab.Run:
    return lab.run(*WORDS, f"out_dir={tmp_path_factory.mktemp('by_hand')}")


def judge_of(run: lab.Run, cache: Path) -> Classifier:
    return Classifier(cache, run.result["judge"])


def features(judge: Classifier, images: Tensor) -> Tensor:
    return judge(images.unflatten(1, (1, 8, 8)) * 2 - 1)[2]


def count() -> int:
    """How many are measured of each digit: no class has fewer images in either split."""
    return min(60, *(len(of_class(s, d)) for s in ("train", "test") for d in DIGITS))


def test_the_last_frame_is_measured_from_the_last_weights(run: lab.Run, cache: Path) -> None:
    judge, n, w = judge_of(run, cache), count(), run.weights
    result = run.result
    assert result["n"] == n
    assert result["clipped_share"] > 0
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    for g, digit in enumerate(DIGITS):
        z = torch.randn(n, 6, generator=stream(f"evaluation {digit}"))
        made = (z @ w["W_G"][g] + w["B_G"][g]).clamp(min=0)
        images = made.clamp(max=1)
        test, train = of_class("test", digit), of_class("train", digit)

        def right(real: Tensor, g: int = g, made: Tensor = made) -> float:
            """D's accuracy on some real images and as many samples."""
            real = real[some(len(real), n)]
            accepted, refused = (x @ w["W_D"][g] + w["B_D"][g] for x in (real, made))
            return float(torch.cat([accepted > 0, refused < 0]).double().mean())

        labels, _, of_made = judge(images.unflatten(1, (1, 8, 8)) * 2 - 1)
        means = torch.stack([images.mean(0), train.mean(0)])
        values = {
            "classifier_accuracy": float((labels == digit).double().mean()),
            "fid": fid(features(judge, test), of_made),
            "correlation": float(torch.corrcoef(means)[0, 1]),
            "d_accuracy": right(test),
            "d_train_accuracy": right(train),
            "clipped_share": float((made > 1).double().mean()),
        }
        for name, value in values.items():
            expected = pytest.approx(value, rel=1e-3, abs=1e-6)
            assert result["digits"][CLASSES[digit]][name]["300"] == expected, name
            found[name].append(value)
    row = last_row(run)
    for name, of_digits in found.items():
        mean = sum(of_digits) / 2
        assert result[name] == row[name] == pytest.approx(mean, rel=1e-3, abs=1e-6), name


def test_the_best_frame_has_the_largest_share_and_then_the_lowest_fid(
    run: lab.Run, cache: Path
) -> None:
    judge, result, best = judge_of(run, cache), run.result, []
    floors = []
    for digit, of in zip(DIGITS, result["digits"].values(), strict=True):
        assert list(of["fid"]) == ["0", "100", "200", "300"]
        steps = sorted(
            list(of["fid"])[1:], key=lambda s: (-of["classifier_accuracy"][s], of["fid"][s])
        )
        assert of["best_epoch"] == int(steps[0])
        best.append({name: of[name][steps[0]] for name in METRICS})
        real = of_class("train", digit)
        real = features(judge, real[some(len(real), count())])
        floors.append(fid(features(judge, of_class("test", digit)), real))
        assert of["fid_floor"] == pytest.approx(floors[-1], rel=1e-3)
    for name in ("classifier_accuracy", "fid", "correlation"):
        assert result[f"best_{name}"] == pytest.approx(sum(of[name] for of in best) / 2)
    assert result["worst_best_classifier_accuracy"] == min(of["classifier_accuracy"] for of in best)
    assert result["fid_floor"] == pytest.approx(sum(floors) / 2, rel=1e-3)


def test_the_other_entries(run: lab.Run) -> None:
    result = run.result
    assert result["parameters"] == 6 * 64 + 64
    assert (result["steps"], result["epochs"], result["stopped"]) == (300, 300, "budget")
    assert result["image_shape"] == [1, 8, 8]
    row = last_row(run)
    assert (result["d_loss"], result["g_loss"]) == (row["d_loss"], row["g_loss"])


def test_what_training_logs_is_of_its_own_batches(cache: Path, tmp_path: Path) -> None:
    """The weights stay those of the beginning, so that all steps can be done again."""
    words = ("lr=1e-30", "epochs=4", "log_every=1", "init_scale=0.3", f"out_dir={tmp_path}")
    run = lab.run(*WORDS, *words)
    losses = {name: [0.0] * 4 for name in ("d_loss", "g_loss")}
    for g, digit in enumerate(DIGITS):
        game, chosen, real = stream(f"game {digit}"), stream(f"images {digit}"), None
        w_g, w_d = (torch.randn(*size, generator=game) * 0.3 for size in ((6, 64), (64, 1)))
        assert torch.equal(run.weights["W_G"][g], w_g)
        assert torch.equal(run.weights["W_D"][g], w_d)
        images = of_class("train", digit)
        for step in range(4):
            real = images[torch.randperm(len(images), generator=chosen)[:50]]
            fake = (torch.randn(50, 6, generator=game) @ w_g).clamp(min=0)
            d_real, d_fake = real @ w_d, fake @ w_d
            losses["d_loss"][step] += float((F.softplus(-d_real) + F.softplus(d_fake)).mean()) / 2
            losses["g_loss"][step] += float(F.softplus(-d_fake).mean()) / 2
    for name, values in losses.items():
        assert run.metrics[name] == pytest.approx(values, rel=1e-5), name


def test_weights_have_the_names_of_the_equations(run: lab.Run, tmp_path: Path) -> None:
    shapes = {name: tuple(weight.shape) for name, weight in run.weights.items()}
    assert shapes == {
        "W_G": (2, 6, 64), "B_G": (2, 1, 64), "W_D": (2, 64, 1), "B_D": (2, 1, 1),
    }  # fmt: skip
    words = ("generator_hidden=8", "discriminator_hidden=5", "epochs=1", f"out_dir={tmp_path}")
    deep = {name: tuple(weight.shape) for name, weight in lab.run(*WORDS, *words).weights.items()}
    assert deep == {
        "W_G1": (2, 6, 8), "B_G1": (2, 1, 8), "W_G2": (2, 8, 64), "B_G2": (2, 1, 64),
        "W_D1": (2, 64, 5), "B_D1": (2, 1, 5), "W_D2": (2, 5, 1), "B_D2": (2, 1, 1),
    }  # fmt: skip
