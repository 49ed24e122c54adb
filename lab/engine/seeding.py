"""Random numbers: one seed for a run, and an independent random stream for each purpose."""

import hashlib
import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed the global random streams of Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_stream(seed: int, purpose: str, device: str = "cpu") -> torch.Generator:
    """Return the random stream of a purpose. Draws from it do not change any other stream."""
    digest = hashlib.sha256(f"{purpose} {seed}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)
