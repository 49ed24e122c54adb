"""Random numbers: one seed a run, an independent stream for each purpose."""

import hashlib
import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_stream(seed: int, purpose: str, device: str = "cpu") -> torch.Generator:
    """A generator of its own for `purpose`: one more draw there changes nothing elsewhere."""
    digest = hashlib.sha256(f"{purpose} {seed}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)
