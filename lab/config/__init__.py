"""The typed boundary: Hydra composes, these dataclasses validate, one line answers a mistake."""

from lab.config.base import (
    STRICT,
    Component,
    Count,
    NotNegative,
    Optimizer,
    Positive,
    RunConfig,
    Several,
    Share,
    config,
)

__all__ = [
    "STRICT",
    "Component",
    "Count",
    "NotNegative",
    "Optimizer",
    "Positive",
    "RunConfig",
    "Several",
    "Share",
    "config",
]
