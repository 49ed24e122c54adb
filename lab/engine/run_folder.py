"""The run folder: its lock, status and files. Only this module knows the names of a run's files.

Every file is written under a temporary name and renamed, so that a reader never sees half of it.
`result.json` is written last. A run that has it is finished.
"""

import csv
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import yaml

from lab.config.errors import BusyError
from lab.config.old_names import COLUMNS, result_now
from lab.engine import files
from lab.engine.locks import is_locked
from lab.engine.locks import lock as lock_file
from lab.engine.weights import read_weights, weight_bytes

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

Status = Literal["running", "finished", "failed", "interrupted"]
# The files in figures/: pictures, animations, arrays and files of the tools.
FIGURE_SUFFIXES = (".png", ".gif", ".npz", ".json")


def columns_of(table: str) -> dict[str, list[float]]:
    """The columns of a metrics.csv from its text; nan if a row has no value."""
    rows = list(csv.DictReader(table.splitlines()))
    names = rows[0].keys() if rows else []
    return {COLUMNS.get(n, n): [float(row[n] or "nan") for row in rows] for n in names}


class RunFolder:
    """One run's folder. Reading needs no lock; writing needs `with folder.locked():`.

    Args:
        path: the folder, such as `RunConfig.run_dir`; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.log_file = path / "lab.log"
        self.metrics_file = path / "metrics.csv"
        self.model_file = path / "model.safetensors"
        self.last_model_file = path / "last.safetensors"
        """The weights of the last step, if model.safetensors has those of another step."""
        self.checkpoint_file = path / "checkpoint.pt"
        self.previous_checkpoint_file = path / "checkpoint.prev.pt"
        new = path / "checkpoint.new.pt"
        self.checkpoint_files = [new, self.checkpoint_file, self.previous_checkpoint_file]
        """The files that may hold a checkpoint, newest first."""
        self._notes_file, self._lock_file = path / "notes.txt", path / ".lock"
        self._figures = path / "figures"

    # What the files say.

    @property
    def has_checkpoint(self) -> bool:
        return any(path.exists() for path in self.checkpoint_files)

    @property
    def status(self) -> Status | None:
        """running, finished, failed or interrupted; None if no run was begun here."""
        if self.result is not None:
            return "finished"
        try:
            word = (self.path / "status").read_text().strip()
        except OSError:
            return None
        if word == "failed":
            return "failed"
        # A killed process leaves "running", or "finished" if it was about to write result.json.
        return "running" if self.is_held else "interrupted"

    @property
    def never_began(self) -> bool:
        """Whether it failed or was stopped before its first step, so that it has only a log."""
        if self.status not in (None, "failed") or not self.log_file.exists():
            return False
        return not (self.config_file.exists() or self.metrics_file.exists())

    @property
    def result(self) -> dict[str, Any] | None:
        """The result of a finished run, else None; entries of old versions have today's names."""
        result = self._json("result.json")
        return None if result is None else result_now(result)

    @property
    def provenance(self) -> dict[str, Any]:
        """The content of provenance.json; empty if there is none."""
        return self._json("provenance.json") or {}

    def _json(self, name: str) -> dict[str, Any] | None:
        try:
            value = json.loads((self.path / name).read_text())
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def read_metrics(self) -> dict[str, list[float]]:
        """The columns of metrics.csv; nan if a row has no value."""
        return columns_of(self.metrics_file.read_text())

    def last_log_line(self) -> str:
        """The last line of the log, which is the reason of a failed run."""
        try:
            lines = self.log_file.read_text().strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def notes(self) -> list[str]:
        """The notes that users have added to this run, one in each line."""
        try:
            return self._notes_file.read_text().splitlines()
        except OSError:
            return []

    # The lock.

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A context that holds the run's lock. The kernel releases it whenever the process ends.

        Folders that were made for the lock and stayed empty are removed again.

        Raises:
            BusyError: another process holds the lock.
            OSError: the folder cannot be made or written.
        """
        lock, made = self._acquire()
        try:
            for path in self.path.glob(f".*{files.TEMPORARY}"):  # a killed process left them
                path.unlink()
            yield
        finally:
            with suppress(OSError):  # the folder may be gone, or no longer be writable
                if all(path == self._lock_file for path in self.path.iterdir()):
                    self._lock_file.unlink()
                    files.remove_empty(made)
            os.close(lock)

    def _acquire(self) -> tuple[int, list[Path]]:
        """The lock's file descriptor, and the folders that were made for it."""
        made: list[Path] = []
        while True:
            made = files.make_folders(self.path) or made
            lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                lock_file(lock)
            except BlockingIOError:
                holder = os.read(lock, 200).decode()
                os.close(lock)
                raise BusyError(
                    f"{self.path} is being run by {holder or 'another process'}"
                ) from None
            # Another process may have removed the folder between our open and our lock.
            try:
                if os.fstat(lock).st_ino == os.stat(self._lock_file).st_ino:
                    break
            except FileNotFoundError:
                pass
            os.close(lock)
        os.ftruncate(lock, 0)
        os.write(lock, f"process {os.getpid()} since {time.strftime('%F %T')}".encode())
        return lock, made

    @property
    def is_held(self) -> bool:
        """Whether a live process holds the lock now."""
        return is_locked(self._lock_file)

    # Writing.

    def clear(self, *, keep_log: bool = False) -> None:
        """Remove the run's files; files from elsewhere stay.

        The result is removed first and the checkpoints next. So if this is killed halfway, the rest
        is not read as the run's state.
        """
        for path in (self.path / "result.json", *self.checkpoint_files):
            path.unlink(missing_ok=True)
        for path in (
            self.config_file,
            self.metrics_file,
            self.model_file,
            self.last_model_file,
            self.path / "status",
            self.path / "provenance.json",
            *self.path.glob("events.out.tfevents.*"),
            *(path for path in self._figures.glob("*") if path.suffix in FIGURE_SUFFIXES),
            *([] if keep_log else [self.log_file]),
        ):
            path.unlink(missing_ok=True)
        files.remove_empty([self._figures])

    def remove(self) -> None:
        """Remove the run with its notes, and the folder if nothing else is in it.

        Raises:
            BusyError: another process holds the lock.
            OSError: something cannot be removed.
        """
        with self.locked():
            self.clear()
            self._notes_file.unlink(missing_ok=True)
            if all(path == self._lock_file for path in self.path.iterdir()):
                self._lock_file.unlink()
                files.remove_empty([self.path])

    def add_note(self, line: str) -> None:
        """Add a line to the notes."""
        files.write_text(self._notes_file, "\n".join([*self.notes(), line]) + "\n")

    def set_status(self, status: Status) -> None:
        files.write_text(self.path / "status", status + "\n")

    def save_config(self, values: dict[str, Any]) -> None:
        files.write_text(self.config_file, yaml.safe_dump(values, sort_keys=False))

    def save_provenance(self, values: dict[str, Any]) -> None:
        self._save_json("provenance.json", values)

    def save_result(self, values: dict[str, Any]) -> None:
        """Write result.json, which says that the run is finished."""
        self.set_status("finished")
        self._save_json("result.json", values)

    def _save_json(self, name: str, values: dict[str, Any]) -> None:
        # NaN is neither JSON nor a result.
        files.write_text(self.path / name, json.dumps(values, indent=2, allow_nan=False) + "\n")

    def save_figure(self, name: str, figure: "Figure") -> Path:
        """Write figures/<name>.png and return its path."""
        return self.save_file(f"{name}.png", partial(files.save_png, figure))

    def save_file(self, name: str, write: Callable[[BinaryIO], object]) -> Path:
        """Let `write` fill figures/<name>, such as an animation or an array; return its path."""
        self._figures.mkdir(exist_ok=True)
        path = self._figures / name
        files.write_atomically(path, write)
        return path

    def save_weights(self, weights: "dict[str, torch.Tensor]", *, last: bool = False) -> None:
        """Write model.safetensors or last.safetensors, with the tensors by their names."""
        data = weight_bytes(weights)
        path = self.last_model_file if last else self.model_file
        files.write_atomically(path, lambda file: file.write(data))

    def load_weights(self) -> "dict[str, torch.Tensor]":
        """Read model.safetensors.

        Raises:
            UserError: the file is missing or damaged.
        """
        return read_weights(self.model_file)
