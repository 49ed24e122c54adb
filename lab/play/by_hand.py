"""The data of a by-hand run's page: weights and frames of each digit, and a self-test."""

from typing import Any

import torch
from torch import Tensor

from lab.by_hand.config import OneLayerConfig
from lab.by_hand.layers import linear, relu
from lab.engine.process import random_stream
from lab.engine.run_folder import RunFolder
from lab.images.published import SIDE
from lab.play.recorded import of_training
from lab.play.tensors import fits_in_32_bits, largest_difference, numbers, packed, rounded

IMAGES_IN_FRAME = 9
SHOWN = ("classifier_accuracy", "fid", "d_accuracy")


def by_hand_run(folder: RunFolder, config: OneLayerConfig) -> dict[str, Any]:
    """Return the data of one run for its page."""
    result = folder.result or {}
    exact = folder.load_weights()
    weights = rounded(exact)
    z = torch.stack(
        [
            torch.randn(1, config.noise_size, generator=random_stream(config.seed, f"page {digit}"))
            for digit in config.digits
        ]
    )
    images, logits = _play(weights, z)
    digits = result["digits"]
    shape = result.get("image_shape", [1, SIDE, SIDE])
    return {
        "name": folder.path.name,
        "label": config.label,
        "data": config.data["name"],
        "steps": result["steps"],
        "shape": shape,
        "noise": config.noise,
        "noise_size": config.noise_size,
        "digits": list(digits),
        "best": {name: values["best_epoch"] for name, values in digits.items()},
        "history": {
            name: {figure: values[figure] for figure in SHOWN if figure in values}
            for name, values in digits.items()
        },
        "weights": {name: packed(value) for name, value in weights.items()},
        "bits": 32 if fits_in_32_bits(weights.values()) else 16,
        "cost": largest_difference(images, _play(exact, z)[0]),
        "frames": of_training(folder, shape[0], IMAGES_IN_FRAME),
        "selftest": {
            "z": numbers(z[:, 0]),
            "images": numbers(images[:, 0]),
            "logits": numbers(logits[:, 0, 0]),
        },
    }


def _play(weights: dict[str, Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the images [G, N, D] of z [G, N, L], and D's logits [G, N, 1] for them."""
    images = z
    for suffix in _layers(weights, "G"):
        images = relu(linear(images, weights[f"W_G{suffix}"], weights[f"B_G{suffix}"]))
    logits, suffixes = images, _layers(weights, "D")
    for suffix in suffixes:
        logits = linear(logits, weights[f"W_D{suffix}"], weights[f"B_D{suffix}"])
        logits = relu(logits) if suffix != suffixes[-1] else logits
    return images, logits


def _layers(weights: dict[str, Tensor], player: str) -> list[str]:
    """Return the suffixes of the names of a player's layers, from the first to the last."""
    names = [name for name in weights if name.startswith(f"W_{player}")]
    return sorted(name.removeprefix(f"W_{player}") for name in names)
