"""Warnings about a game, for lab.log, the terminal and `warnings` of the result."""

import logging
from collections.abc import Mapping
from typing import Any

from lab.config.errors import say
from lab.config.wording import percent
from lab.images.datasets import Data, Images

# D is too strong if its accuracy between two evaluations of quality is above this.
OVERPOWERING = 0.99
# G makes too few classes if it makes less than this share; of a thousand, some lack by chance.
MOST_CLASSES = 0.97
# Recall below NO_RECALL is a warning if real images get at least ENOUGH.
NO_RECALL, ENOUGH = 0.01, 0.5
# Training has diverged if the training FID is more than so many times the lowest before.
RISEN = 2.0
# Training images have hardly any contrast if their pixels span fewer levels than this, of 256.
FEWEST_LEVELS = 32
FEWER = (
    "{n:,} samples are measured instead of {asked:,}, because there are no more real images in the "
    "training or the test set"
)
# What to change in a GAN, for each kind of trouble that a setting can mend.
LOSS = "loss=relativistic discriminator.spectral_norm=false loss.penalty_every=4 keeps more variety"
REMEDIES = {
    "overpowering": "a smaller discriminator_lr or discriminator.spectral_norm=true holds D back",
    "divergence": "a smaller optimizer.lr and discriminator_lr may prevent it",
    "classes": LOSS,
    "recall": LOSS,
}
PAGE = "docs/generation.md, What went wrong"

log = logging.getLogger(__name__)


class Warnings:
    """The kinds of trouble that were seen, with their steps.

    Args:
        remedies: what to change, for some kinds.
    """

    def __init__(self, remedies: Mapping[str, str]) -> None:
        self._remedies = remedies
        self._seen: dict[str, dict[str, Any]] = {}

    def note(self, step: int, found: Mapping[str, str]) -> None:
        """Write warnings to lab.log; the first of a kind goes to the terminal too.

        Args:
            step: the step after which they were seen.
            found: a sentence for each kind of trouble.
        """
        for kind, sentence in found.items():
            if kind in self._remedies:
                sentence += f"; {self._remedies[kind]} ({PAGE})"
            line = f"step {step:,}: {sentence}"
            log.warning(line)
            if kind not in self._seen:
                say(line)
            seen = self._seen.setdefault(kind, {"first": step, "times": 0})
            seen |= {"last": step, "times": seen["times"] + 1, "sentence": sentence}

    def lines(self) -> list[str]:
        """A line for each kind, with the first and the last step and the latest sentence."""
        return [
            f"step {seen['last']:,}: {seen['sentence']}"
            if seen["first"] == seen["last"]
            else f"steps {seen['first']:,} to {seen['last']:,} ({seen['times']} evaluations), the "
            f"last: {seen['sentence']}"
            for seen in self._seen.values()
        ]

    def state_dict(self) -> dict[str, Any]:
        return self._seen

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._seen = state


def known_at_start(data: Data, asked: int) -> list[str]:
    """What is known of a run before its first step, in lines.

    Args:
        data: the images.
        asked: the number of samples that the end of the run is to measure.
    """
    n = min(len(data.train), len(data.test))
    fewer = f"final_samples={asked}: {FEWER.format(n=n, asked=asked)}" if n < asked else ""
    return [line for line in (data.remark, fewer) if line]


def check_images(train: Images) -> dict[str, str]:
    """Return warnings about training images from which nothing can be learnt, by kind."""
    flat = train.pixels.flatten(1)
    low, high = flat.amin(1), flat.amax(1)
    constant = int((low == high).sum())
    darkest, brightest = int(low.min()), int(high.max())
    if bool((flat == flat[0]).all()):
        sentence = f"all {len(train):,} training images are equal"
    elif 10 * constant > len(train):
        sentence = (
            f"{constant:,} of {len(train):,} training images are empty: "
            "each has one grey level or colour value throughout"
        )
    elif brightest - darkest < FEWEST_LEVELS:
        sentence = (
            f"the pixels of all training images lie between {darkest} and {brightest} of 255, "
            "so the images have hardly any contrast"
        )
    else:
        return {}
    return {"data": sentence}


def check_pixels(clamped: float) -> dict[str, str]:
    """Return warnings about the range of G's images, by kind.

    Args:
        clamped: the share of pixels outside [-1, 1].
    """
    if not clamped:
        return {}
    return {
        "range": (
            f"{percent(clamped)} of the pixels that G makes lie outside [-1, 1]; metrics, pictures "
            "and files take them as -1 or 1 (a Tanh at the end of G keeps them inside)"
        )
    }


def check_balance(right: float) -> dict[str, str]:
    """Return warnings about the balance of the two players, by kind.

    Args:
        right: D's accuracy on training images and samples since the last evaluation.
    """
    if right <= OVERPOWERING:
        return {}
    return {
        "overpowering": f"D is correct {percent(right)} of the time, so G learns little from it"
    }


def check_divergence(training_fid: float, lowest: tuple[float, int] | None) -> dict[str, str]:
    """Return warnings about the course of training, by kind.

    Args:
        training_fid: the training FID of this evaluation.
        lowest: the lowest before, for the same number of samples, and its step.
    """
    if lowest is None or training_fid <= RISEN * lowest[0]:
        return {}
    return {
        "divergence": (
            f"training FID {training_fid:.1f} is more than twice the lowest, {lowest[0]:.1f} at "
            f"step {lowest[1]:,}; training has diverged (keep_best=true keeps the weights of the "
            "lowest)"
        )
    }


def check_quality(measured: Mapping[str, float], asked: int, features: int) -> dict[str, str]:
    """Return warnings about the samples and their number, by kind.

    Args:
        measured: the metrics, as `lab.images.quality.measure` returns them.
        asked: the number of samples that were asked for.
        features: the number of the classifier's features.
    """
    warnings, n = {}, int(measured["n"])
    classes, wanted = measured["classes"], measured["real_classes"]
    if classes < MOST_CLASSES * wanted:
        warnings["classes"] = (
            f"in {n:,} samples G makes only {classes} of {wanted} classes (a class counts if its "
            "share of the samples is more than a fifth of its share of real images)"
        )
    recall, best = measured["recall"], measured["real_recall"]
    if recall < NO_RECALL and best >= ENOUGH:
        warnings["recall"] = (
            f"recall is {recall:.3f} (real images {best:.2f}): the samples have almost none of "
            "the variety of real images"
        )
    if n < asked:
        warnings["images"] = FEWER.format(n=n, asked=asked)
    if n <= features:
        warnings["samples"] = (
            f"{n:,} samples are too few for the classifier's {features:,} features: samples as "
            f"good as real images would get an FID of {measured['fid_bias']:.1f}"
        )
    return warnings
