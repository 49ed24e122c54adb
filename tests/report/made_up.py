"""Finished runs that were never trained: configs of real commands with made-up numbers."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd

from lab.cli import compose_jobs
from lab.config import RunConfig
from lab.config.base import flatten
from lab.report.evidence import Evidence

Numbers = Callable[[RunConfig], dict[str, Any]]


@cache
def composed(command: str) -> tuple[RunConfig, ...]:
    return tuple(compose_jobs(command))


class MadeUp(Evidence):
    """A table of rows that no training made."""

    def __init__(self) -> None:
        self.rows, self.configs, self.folders, self.unreadable = {}, {}, {}, []
        self.table = pd.DataFrame()
        self.saved, self._columns = None, {}

    def add(self, command: str, numbers: Numbers | dict[str, Any]) -> None:
        """A finished run for each job of a command, with these numbers in its row."""
        for config in composed(command):
            given = numbers(config) if callable(numbers) else numbers
            name = config.run_dir.name
            self.configs[name] = config
            self.rows[name] = {
                "run": name, "from": "here", "task": config.task, "seed": config.seed,
                "steps": 1000, "seconds": 1.0,
                "label": getattr(config, "label", ""), "cell": getattr(config, "cell_name", ""),
                "seq_len": getattr(config, "seq_len", None), "accuracy_count": 10_000,
                **{f"config.{k}": v for k, v in flatten(config.to_dict()).items()},
                **given,
            }  # fmt: skip
        self.table = pd.DataFrame(list(self.rows.values()))
        self._columns = {}


def history(**columns: list[float]) -> str:
    """A row's history, with the column `step` among the columns."""
    return json.dumps(columns)
