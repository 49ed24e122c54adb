"""A GAN's numbers: from its weights, its samples and `marks`; see the package."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

import lab
from tests.numbers import (
    CLASSES,
    MARKS,
    Classifier,
    fid,
    fid_bias,
    last_row,
    marks,
    overlap,
    roc_area,
    scaled,
    some,
    stream,
)

WORDS = (
    *("task=gan", *MARKS, "device=cpu", "generator=mlp", "generator.widths=[32]"),
    *("generator.latent=8", "discriminator=mlp", "discriminator.widths=[32]", "batch_size=25"),
    *("max_steps=60", "eval_every=20", "eval_samples=100", "final_samples=300", "ema=0.9"),
    *("optimizer.lr=0.05", "discriminator_lr=0.05", "keep_best=true", "seed=3"),
)
Run = lab.Run
TRAIN, TEST = marks("train"), marks("test")


@pytest.fixture(scope="module")
def best(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose chosen weights are not those of its last step."""
    run = lab.run(*WORDS, f"out_dir={tmp_path_factory.mktemp('best')}")
    assert 0 < run.result["weights"]["step"] < run.result["steps"] == 60
    return run


@pytest.fixture(scope="module")
def asked(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A conditional run."""
    out = tmp_path_factory.mktemp("asked")
    more = ("conditional=true", "keep_best=false", "final_samples=350", "max_steps=3")
    return lab.run(*WORDS, *more, f"out_dir={out}")


def classifier(run: Run, cache: Path) -> Classifier:
    return Classifier(cache, run.result["classifier"]["checksum"])


def samples(run: Run, count: int, purpose: str, weights: str = "model") -> tuple[Tensor, Any]:
    """Images of a run's weights, and the classes that were asked for in a conditional one."""
    network, random = run.network, stream(purpose, seed=3)
    network.load_state_dict(load_file(run.path / f"{weights}.safetensors"))
    z = torch.randn(count, 8, generator=random)
    with torch.no_grad():
        if not run.config.conditional:  # type: ignore[attr-defined]
            return network(z), None
        chosen = torch.randint(len(TRAIN[1]), (count,), generator=random)
        labels = torch.from_numpy(TRAIN[1])[chosen]
        return network(z, labels), labels


def measured(judge: Classifier, images: Tensor) -> dict[str, float]:
    """All metrics that need samples and real images alone."""
    labels, sure, features = judge(images)
    n = len(images)
    real, known = (judge(scaled(pixels[some(len(pixels), n)]))[2] for pixels, _ in (TEST, TRAIN))
    shares, wanted = (
        torch.bincount(torch.as_tensor(of), minlength=3).double() / len(of)
        for of in (labels, TRAIN[1])
    )
    return {
        "fid": fid(real, features),
        "training_fid": fid(known, features),
        **overlap(real, features),
        "classes": int((shares > 0.2 * wanted).sum()),
        "class_tv": float((shares - wanted).abs().sum() / 2),
        "clear": float((sure > 0.95).double().mean()),
    }


def of_real_images(judge: Classifier, n: int) -> dict[str, float]:
    """What as many training images score."""
    real, known = (judge(scaled(pixels[some(len(pixels), n)])) for pixels, _ in (TEST, TRAIN))
    shares = torch.bincount(known[0], minlength=3) / n
    wanted = torch.bincount(torch.from_numpy(TRAIN[1]), minlength=3) / len(TRAIN[1])
    return {
        "real_fid": fid(real[2], known[2]),
        "fid_bias": fid_bias(real[2], n),
        **{f"real_{name}": value for name, value in overlap(real[2], known[2]).items()},
        "real_classes": int((shares > 0.2 * wanted).sum()),
    }


def test_the_quality_is_that_of_the_chosen_weights_and_of_test_images(
    best: Run, cache: Path
) -> None:
    judge, quality = classifier(best, cache), best.result["quality"]
    images, _ = samples(best, 300, "final")
    expected = {"n": 300, **measured(judge, images), **of_real_images(judge, 300)}
    assert quality == pytest.approx(expected, rel=1e-3, abs=1e-6)
    labels, _, _ = judge(scaled(TEST[0]))
    accuracy = float((labels == torch.from_numpy(TEST[1])).double().mean())
    assert best.result["classifier"]["test_accuracy"] == accuracy == judge.accuracy < 0.95


def discriminator(run: Run) -> Any:
    """The discriminator after the last step, in evaluation mode, from the checkpoint."""
    state = torch.load(run.path / "checkpoint.pt", weights_only=True)["state"]["task"]
    w = state["discriminator"]

    def weight(layer: int) -> Tensor:
        original = w[f"layers.{layer}.parametrizations.weight.original"]
        u, v = (w[f"layers.{layer}.parametrizations.weight.0._{name}"] for name in "uv")
        return original / (u @ original @ v)

    def logits(images: Tensor) -> Tensor:
        hidden = F.leaky_relu(images.flatten(1) @ weight(0).T + w["layers.0.bias"], 0.2)
        return (hidden @ weight(2).T + w["layers.2.bias"])[:, 0]

    return logits


def test_the_last_row_is_of_the_average_and_of_test_images(best: Run, cache: Path) -> None:
    images, _ = samples(best, 100, "evaluation", "last")
    row = last_row(best)
    expected = measured(classifier(best, cache), images)
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-3, abs=1e-6)
    logits = discriminator(best)
    fake = logits(images)
    real = scaled(TEST[0][some(360, 100)])  # the first hundred are of one class
    assert row["d_auc"] == pytest.approx(roc_area(logits(real), fake), abs=1e-6)
    assert best.result["players"] == {name: row[name] for name in ("d_loss", "g_loss", "d_auc")}


def test_the_best_weights_are_those_of_the_lowest_training_fid(best: Run, cache: Path) -> None:
    logged = dict(zip(best.metrics["step"], best.metrics["training_fid"], strict=True))
    logged = {step: value for step, value in logged.items() if value == value}
    assert list(logged) == [20, 40, 60]
    step = min(logged, key=lambda step: logged[step])
    images, _ = samples(best, 100, "evaluation")
    found = measured(classifier(best, cache), images)["training_fid"]
    chosen = best.result["weights"]
    assert (chosen["step"], chosen["training_fid"]) == (step, logged[step])
    assert chosen["training_fid"] == pytest.approx(found, rel=1e-3)


def test_the_other_entries(best: Run) -> None:
    weights = best.weights.items()
    trained = sum(w.numel() for name, w in weights if "running" not in name and w.dim())
    assert best.result["parameters"] == trained
    assert best.result["epochs"] == 60 * 25 / 400
    assert best.result["image_shape"] == [1, 8, 8]
    assert (best.result["steps"], best.result["stopped"]) == (60, "budget")


def test_a_conditional_run_is_read_as_what_was_asked_for(asked: Run, cache: Path) -> None:
    judge, quality = classifier(asked, cache), asked.result["quality"]
    images, labels = samples(asked, 350, "final")
    read, _, features = judge(images)
    expected = {"n": 350, **measured(judge, images), **of_real_images(judge, 350)}
    expected["class_accuracy"] = float((read == labels).double().mean())
    of_classes = quality.pop("by_class")
    assert quality == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert 0.3 < quality["class_accuracy"] < 0.9
    images, own = samples(asked, 100, "evaluation")
    row = last_row(asked)["class_accuracy"]
    assert row == float((judge(images)[0] == own).double().mean())

    chosen = {name: some(len(split[0]), 350) for name, split in (("test", TEST), ("train", TRAIN))}
    real, known = (
        (judge(scaled(split[0][chosen[name]]))[2], split[1][chosen[name]])
        for name, split in (("test", TEST), ("train", TRAIN))
    )
    assert [of["class"] for of in of_classes] == ["7", "1"]  # fewer than 100 images show a 6
    for label, of in enumerate(of_classes):
        parts = [real[0][real[1] == label], known[0][known[1] == label], features[labels == label]]
        n = min(map(len, parts))
        parts = [part[:n] for part in parts]
        assert of == {
            "class": CLASSES[label],
            "n": n,
            "class_accuracy": float((read[labels == label] == label).double().mean()),
            "fid": pytest.approx(fid(parts[0], parts[2]), rel=1e-3),
            "real_fid": pytest.approx(fid(parts[0], parts[1]), rel=1e-3),
        }


def paths(start: Tensor, end: Tensor) -> dict[str, Tensor]:
    """Nine points [W, 9, latent] from each start to each end."""
    a = torch.arange(9)[:, None] / 8
    start, end = start[:, None], end[:, None]
    return {"linear": start + a * (end - start), "farther": start + a * (2 * end - start)}


def test_interpolations_and_sums_of_z(best: Run, cache: Path) -> None:
    judge, network, random = classifier(best, cache), best.network, stream("walks", seed=3)

    @torch.no_grad()
    def read(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return judge(network(z))

    z = torch.randn(5000, 8, generator=random)
    labels, sure, _ = read(z)
    clear = (sure > 0.95).nonzero()[:, 0]
    pairs = torch.empty(0, 2, dtype=torch.int64)
    while len(pairs) < 200:
        more = clear[torch.randint(len(clear), (200, 2), generator=random)]
        pairs = torch.cat([pairs, more[labels[more[:, 0]] != labels[more[:, 1]]]])
    expected: dict[str, float] = {"pairs": 200}
    for name, path in paths(*z[pairs[:200]].unbind(1)).items():
        along, _, features = (part.unflatten(0, (200, 9)) for part in read(path.flatten(0, 1)))
        is_third = (along != along[:, :1]) & (along != along[:, -1:])
        steps = (features[:, 1:] - features[:, :-1]).norm(dim=2)
        expected[f"third_class_{name}"] = float(is_third.any(1).double().mean())
        expected[f"path_length_{name}"] = float(steps.sum(1).mean())
        expected[f"largest_step_{name}"] = float((steps.amax(1) / steps.sum(1)).mean())
    found = dict(best.result["latent"]["interpolation"])
    assert len(set(found.pop("ends"))) == 2
    assert found == pytest.approx(expected, rel=1e-3)

    pools = [z[clear][labels[clear] == label] for label in range(3)]
    plus, minus, base = (pool[torch.randint(len(pool), (200,), generator=random)] for pool in pools)
    noise = torch.randn(200, 8, generator=random)
    noise /= noise.norm(dim=1, keepdim=True)
    roof = plus - minus
    sums = {
        "source_row": 0.2 * base + 0.8 * (base + 1.2 * roof),
        "difference": roof,
        "random_single": base + noise * roof.norm(dim=1, keepdim=True),
    }
    counts = {name: torch.bincount(read(z)[0], minlength=3).tolist() for name, z in sums.items()}
    assert best.result["latent"]["arithmetic"]["7-1+6"] == {
        name: dict(zip(CLASSES, count, strict=True)) for name, count in counts.items()
    }


@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_what_training_logs_is_of_its_own_batches(cache: Path, tmp_path: Path, loss: str) -> None:
    """The weights stay those of the beginning, so that all steps can be done again."""
    still = ("optimizer.lr=1e-30", "discriminator_lr=1e-30", "ema=null", "max_steps=20")
    more = ["discriminator.spectral_norm=false", "log_every=1", "eval_every=100", f"loss={loss}"]
    more += ["loss.r1=0", "loss.r2=0"] if loss == "relativistic" else []
    run = lab.run(*WORDS, *still, *more, "keep_best=false", f"out_dir={tmp_path}")
    state = torch.load(run.path / "checkpoint.pt", weights_only=True)["state"]["task"]
    w, network = state["discriminator"], run.network.train()  # BatchNorm of the batch itself
    noise, order = stream("noise", seed=3), stream("batches", seed=3)
    shuffled = torch.cat([torch.randperm(400, generator=order) for _ in range(2)])
    for step in range(20):
        real = scaled(TRAIN[0])[shuffled[25 * step : 25 * step + 25]]
        with torch.no_grad():
            fake = network(torch.randn(25, 8, generator=noise))
        hidden = torch.cat([real, fake]).flatten(1) @ w["layers.0.weight"].T + w["layers.0.bias"]
        logits = F.leaky_relu(hidden, 0.2) @ w["layers.2.weight"].T + w["layers.2.bias"]
        of_real, of_fake = logits[:, 0].chunk(2)
        expected = {
            "d_loss": (1 - of_real).clamp(min=0).mean() + (1 + of_fake).clamp(min=0).mean(),
            "g_loss": -of_fake.mean(),
            "d_real": of_real.sigmoid().mean(),
            "d_fake": of_fake.sigmoid().mean(),
            "d_accuracy": torch.cat([of_real > 0, of_fake < 0]).double().mean(),
            "d_real_score": of_real.mean(),
            "d_fake_score": of_fake.mean(),
            "lr": (0.3 + 0.35 * (1 + math.cos(math.pi * step / 20))),
        }
        if loss == "relativistic":  # it compares pairs, and its scores are no probabilities
            assert all(math.isnan(run.metrics[name][step]) for name in ("d_real", "d_fake"))
            del expected["d_real"], expected["d_fake"]
            expected["d_loss"] = F.softplus(of_fake - of_real).mean()
            expected["g_loss"] = F.softplus(of_real - of_fake).mean()
            expected["d_accuracy"] = (of_real > of_fake).double().mean()
        row = {name: values[step] for name, values in run.metrics.items()}
        row["lr"] *= 1e30
        for name, value in expected.items():
            assert row[name] == pytest.approx(float(value), rel=1e-4), (name, step)
