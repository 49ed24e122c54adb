"""What went wrong in a game, in words: for lab.log, the terminal and the result's `warnings`."""

import logging
from collections.abc import Mapping
from typing import Any

from lab.config.errors import say

# The discriminator overpowers when it is right this often between two evaluations of quality.
OVERPOWERING = 0.99
# G lacks classes when it makes less than this part of them: of a thousand some lack by chance.
MOST_CLASSES = 0.97
# Recall below this is next to nothing, where real images get at least ENOUGH.
NO_RECALL, ENOUGH = 0.01, 0.5
# Training has diverged when the training FID is so many times the lowest before.
RISEN = 2.0

log = logging.getLogger(__name__)


class Warnings:
    """Each kind of trouble with the steps at which it was seen."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Any]] = {}

    def note(self, step: int, found: Mapping[str, str]) -> None:
        """Write sentences to lab.log; what is seen for the first time goes to the terminal too.

        Args:
            step: after which they are true.
            found: a sentence for each kind of trouble.
        """
        for kind, sentence in found.items():
            line = f"step {step:,}: {sentence}"
            log.warning(line)
            if kind not in self._seen:
                say(line)
                self._seen[kind] = {"first": step, "times": 0}
            seen = self._seen[kind]
            self._seen[kind] = {
                "first": seen["first"], "last": step, "times": seen["times"] + 1,
                "sentence": sentence,
            }  # fmt: skip

    def lines(self) -> list[str]:
        """A line for each kind, with the first and the last step and the latest sentence."""
        lines = []
        for seen in self._seen.values():
            when = f"step {seen['last']:,}"
            if seen["first"] != seen["last"]:
                when = (
                    f"steps {seen['first']:,} to {seen['last']:,} ({seen['times']} evaluations), "
                    "the last"
                )
            lines.append(f"{when}: {seen['sentence']}")
        return lines

    def state_dict(self) -> dict[str, Any]:
        return self._seen

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._seen = state


def of_players(right: float) -> dict[str, str]:
    """What is wrong with the balance of the two players.

    Args:
        right: the share of training images and samples that D told right since the last evaluation.
    """
    if right <= OVERPOWERING:
        return {}
    return {"overpowering": f"D is right {right:.1%} of the time; G learns little from it"}


def of_course(training_fid: float, lowest: tuple[float, int] | None) -> dict[str, str]:
    """What is wrong with the course of training.

    Args:
        training_fid: of this evaluation.
        lowest: the lowest before, of as many samples, and its step.
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


def of_quality(measured: Mapping[str, float], asked: int, features: int) -> dict[str, str]:
    """What is wrong with the samples, or with the number of them.

    Args:
        measured: as `lab.images.quality.measure` gives it.
        asked: how many samples were to be measured.
        features: how many the classifier has.
    """
    found, n = {}, int(measured["n"])
    made, wanted = measured["classes"], measured["real_classes"]
    if made < MOST_CLASSES * wanted:
        found["classes"] = (
            f"G makes only {made} of the {wanted} classes that as many real images show (a class "
            "counts from a fifth of its share)"
        )
    recall, best = measured["recall"], measured["real_recall"]
    if recall < NO_RECALL and best >= ENOUGH:
        found["recall"] = (
            f"recall is {recall:.3f} (real images {best:.2f}); the samples have next to none of "
            "the variety of real images"
        )
    if n < asked:
        found["images"] = (
            f"{n:,} samples are measured instead of {asked:,}; a split of the real images has no "
            "more"
        )
    if n <= features:
        found["samples"] = (
            f"{n:,} samples are too few for the classifier's {features:,} features; samples as "
            f"good as real images would get an FID of {measured['fid_bias']:.1f}"
        )
    return found
