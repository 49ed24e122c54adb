"""The run folder: its lock, status and files. Only this module knows the names of a run's files.

Every file is written under a temporary name and renamed, so that a reader never sees half of it.
`result.json` is written last. A run that has it is finished.
"""

import csv
import glob
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import yaml

from lab.config import RunConfig
from lab.config.errors import BusyError, UserError
from lab.config.history import COLUMNS, result_now
from lab.engine import files, locks
from lab.figures.style import save_png

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

Status = Literal["running", "finished", "failed", "interrupted"]
# The files in figures/ of a run that was made before there was a list of them.
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
        self._status_file, self._notes_file = path / "status", path / "notes.txt"
        self._lock_file, self._made_file = path / ".lock", path / ".made"
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
            word = files.read_text(self._status_file).strip()
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
            value = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def read_metrics(self) -> dict[str, list[float]]:
        """The columns of metrics.csv; nan if a row has no value."""
        return columns_of(self.metrics_file.read_text(encoding="utf-8"))

    def last_log_line(self) -> str:
        """The last line of the log, which is the reason of a failed run."""
        try:
            lines = files.read_text(self.log_file).strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def notes(self) -> list[str]:
        """The notes that users have added to this run, one in each line."""
        try:
            return files.read_text(self._notes_file).splitlines()
        except OSError:
            return []

    def unreadable(self) -> list[str]:
        """The text files that hold bytes which are no text, by name; what they say is a guess."""
        damaged = []
        for file in (self._status_file, self._notes_file):
            with suppress(OSError):
                if "\ufffd" in files.read_text(file):
                    damaged.append(file.name)
        return damaged

    # The lock.

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A context that holds the run's lock. The kernel releases it whenever the process ends.

        Folders that were made for the lock and stayed empty are removed again.

        Raises:
            BusyError: another process holds the lock.
            OSError: the folder cannot be made or written.
        """
        lock, folders = self._acquire()
        try:
            for path in self.path.glob(f".*{files.TEMPORARY}"):  # a killed process left them
                path.unlink()
            yield
        finally:
            self._leave(folders)
            os.close(lock)

    def _leave(self, folders: list[Path]) -> None:
        """Remove the lock and the folders that were made for it, unless something lies in them."""
        with suppress(OSError):  # the folder may be gone, or no longer be writable
            if all(path == self._lock_file for path in self.path.iterdir()):
                self._lock_file.unlink()
                files.remove_empty(folders)

    def _acquire(self) -> tuple[int, list[Path]]:
        """The lock's file descriptor, and the folders that were made for it."""
        folders: list[Path] = []
        while True:
            folders = files.make_folders(self.path) or folders
            lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, locks.MODE)
            try:
                locks.lock(lock, self._lock_file)
            except BlockingIOError:
                holder = os.read(lock, 200).decode(errors="replace")
                os.close(lock)
                raise BusyError(
                    f"{self.path} is being run by {holder or 'another process'}"
                ) from None
            except BaseException:
                os.close(lock)
                self._leave(folders)
                raise
            # Another process may have removed the folder between our open and our lock.
            try:
                if os.fstat(lock).st_ino == os.stat(self._lock_file).st_ino:
                    break
            except FileNotFoundError:
                pass
            os.close(lock)
        os.ftruncate(lock, 0)
        os.write(lock, f"process {os.getpid()} since {time.strftime('%F %T')}".encode())
        return lock, folders

    @property
    def is_held(self) -> bool:
        """Whether a live process holds the lock now."""
        return locks.is_locked(self._lock_file)

    # Writing.

    def clear(self, *, keep_log: bool = False) -> None:
        """Remove what the run and its tools made; files from elsewhere stay, pictures too.

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
            self._status_file,
            self.path / "provenance.json",
            *self.path.glob("events.out.tfevents.*"),
            *(self.path / name for name in self._made()),
            *([] if keep_log else [self.log_file]),
            self._made_file,
        ):
            path.unlink(missing_ok=True)
        files.remove_empty([self._figures])

    def _made(self) -> list[str]:
        """The files that `save_file` and `save_page` have written, as paths within the folder."""
        try:
            names = files.read_text(self._made_file).splitlines()
        except OSError:
            return []
        # A copied folder may hold any list, and what it names is removed.
        within = [n for n in names if Path(n).name in (n, n.removeprefix("figures/"))]
        return [name for name in within if Path(name).suffix]

    def remove(self) -> None:
        """Remove the run with its notes, and the folder if nothing else is in it.

        Raises:
            BusyError: another process holds the lock.
            OSError: something cannot be removed.
        """
        with self.locked():
            if not self._made_file.exists():  # of an earlier version, which kept no list
                for path in self._figures.glob("*"):
                    if path.suffix in FIGURE_SUFFIXES:
                        path.unlink()
            self.clear()
            self._notes_file.unlink(missing_ok=True)
            if all(path == self._lock_file for path in self.path.iterdir()):
                self._lock_file.unlink()
                files.remove_empty([self.path])

    def add_note(self, line: str) -> None:
        """Add a line to the notes, beside any other process that does so."""
        files.append_line(self._notes_file, line)

    def set_status(self, status: Status) -> None:
        files.write_text(self._status_file, status + "\n")

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
        return self.save_file(f"{name}.png", partial(save_png, figure))

    def save_file(self, name: str, write: Callable[[BinaryIO], object]) -> Path:
        """Let `write` fill figures/<name>, such as an animation or an array; return its path.

        A name may contain a class's name, and so a slash: see `files.in_a_name`.
        """
        self._figures.mkdir(exist_ok=True)
        return self._save(f"{self._figures.name}/{files.in_a_name(name)}", write)

    def save_page(self, name: str, text: str) -> Path:
        """Write a web page beside the run's other files and return its path."""
        return self._save(name, lambda file: file.write(text.encode()))

    def _save(self, name: str, write: Callable[[BinaryIO], object]) -> Path:
        """Write a file, once its name is on the list of what `clear` removes."""
        if name not in self._made():
            files.append_line(self._made_file, name)
        path = self.path / name
        files.write_atomically(path, write)
        return path

    def save_weights(self, weights: "dict[str, torch.Tensor]", *, last: bool = False) -> None:
        """Write model.safetensors or last.safetensors, with the tensors by their names."""
        data = weight_bytes(weights)
        path = self.last_model_file if last else self.model_file
        files.write_atomically(path, lambda file: file.write(data))

    def load_weights(self) -> "dict[str, torch.Tensor]":
        """Read model.safetensors."""
        return read_weights(self.model_file)


def folder_of(config: RunConfig) -> RunFolder:
    """The folder of the run that a config describes; it need not exist.

    A run with another name is found by its hash, because earlier versions gave other names.
    """
    named = RunFolder(config.run_dir)
    if named.status is not None:
        return named
    start, end = glob.escape(config.subject), f"s{config.seed}-{config.identity}"
    others = (RunFolder(path) for path in sorted(named.path.parent.glob(f"{start}-*{end}")))
    return next((run for run in others if run.status is not None), named)


LFS_POINTER = b"version https://git-lfs"


def weight_bytes(weights: "Mapping[str, torch.Tensor]") -> bytes:
    """Return tensors in the format of safetensors."""
    from safetensors.torch import save

    # safetensors refuses tensors that share memory, such as tied weights, so they are cloned.
    return save({name: t.detach().cpu().contiguous().clone() for name, t in weights.items()})


def read_weights(path: Path) -> "dict[str, torch.Tensor]":
    """Read the tensors in a file, on the CPU."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise UserError(f"{path}: no such file; was the run copied only in part?")
    try:
        return load_file(path)
    except SafetensorError as error:
        with open(path, "rb") as file:
            is_pointer = file.read(len(LFS_POINTER)) == LFS_POINTER
        remedy = "git lfs pull fetches the file itself" if is_pointer else "copy it again"
        raise UserError(f"{path} holds no weights: {remedy}") from error
