"""Show a run while it trains: metrics.csv, TensorBoard and the progress bar."""

import csv
import io
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

from lab.config.base import RunConfig, flatten
from lab.engine import interrupts
from lab.engine.events import EventFile
from lab.engine.files import write_text
from lab.engine.results import entry, flat
from lab.engine.run_folder import RunFolder, columns_of
from lab.engine.terminal import shows_bar

SECONDS_BETWEEN_LINES = 5.0


class Tracker:
    """Writes each logged step to metrics.csv and TensorBoard.

    Args:
        folder: the run's folder, which has metrics.csv and the event files.
        columns: the columns of metrics.csv, besides `step`.
        first_step: the step at which training begins or continues.
        csv_text: the content of metrics.csv when the checkpoint was written; later rows are
            dropped.
        tags: the names in TensorBoard; see `Study.tags`.
    """

    def __init__(
        self,
        folder: RunFolder,
        columns: Sequence[str],
        first_step: int,
        csv_text: str | None,
        tags: Mapping[str, str],
    ) -> None:
        self.columns, self._tags = ["step", *columns], tags
        # A checkpoint of an earlier version may lack the last columns, or have other names.
        header = self._line(dict(zip(self.columns, self.columns, strict=True)))
        self._text = header + (csv_text or "").partition("\n")[2]
        write_text(folder.metrics_file, self._text)
        self._file = open(folder.metrics_file, "a", encoding="utf-8")  # noqa: SIM115 - closed in close()
        self._events = EventFile(folder.path, first_step if csv_text else None)

    @property
    def csv_text(self) -> str:
        """All of metrics.csv so far, for the checkpoint."""
        return self._text

    @property
    def history(self) -> dict[str, list[float]]:
        """Every column of metrics.csv so far; nan if a row has no value."""
        return columns_of(self._text)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write one row of metrics.csv, and its values to TensorBoard.

        Args:
            step: the step of the row.
            metrics: values for some or all of `columns`; the others stay empty.
        """
        line = self._line({"step": step, **metrics})
        self._text += line
        self._file.write(line)
        self._file.flush()
        tagged = {self._tags.get(name, name): value for name, value in metrics.items()}
        self._events.scalars(tagged, step)

    def _line(self, row: Mapping[str, object]) -> str:
        buffer = io.StringIO()
        csv.DictWriter(buffer, self.columns, lineterminator="\n").writerow(row)
        return buffer.getvalue()

    def image(self, name: str, png: bytes, step: int = 0) -> None:
        """Show a figure in TensorBoard, given the bytes of its PNG.

        Raises:
            Interrupted: a signal came while it was drawn.
        """
        from PIL import Image

        interrupts.act("stopped while drawing the figures")
        with Image.open(io.BytesIO(png)) as header:
            size, colours = header.size, len(header.getbands())
        self._events.image(name, png, size, colours, step)

    def settings(self, config: RunConfig, result: Mapping[str, Any]) -> None:
        """Write the settings and the numbers of the result for TensorBoard's HParams page."""
        asked = {k: v for k, v in config.to_dict().items() if k not in config.NOT_ASKED_FOR}
        del asked["_target_"]
        settings: dict[str, int | float | str] = {}
        for key, value in flatten(asked).items():
            if key.endswith("._target_"):
                settings[key.removesuffix("._target_")] = str(value).rpartition(".")[2]
            elif value is not None:
                settings[key] = value if isinstance(value, int | float | str) else str(value)
        self._events.settings(settings)
        cells = flat(result)
        numbers = {
            tag: float(value)
            for name, tag in self._tags.items()
            if name not in {*self.columns, *asked}
            and isinstance(value := entry(cells, name), int | float)
        }
        self._events.scalars(numbers, int(result["steps"]))

    def flush(self) -> None:
        """Write everything to the disk, so that a checkpoint is never ahead of the logs."""
        self._events.flush()

    def close(self) -> None:
        try:
            self._events.close()
        finally:
            self._file.close()


class Progress:
    """A progress bar on a terminal; elsewhere a line at times. Both go to standard error.

    Args:
        name: the run's name, in front of the bar.
        done: the number of steps that are done.
        total: the largest number of steps.
    """

    def __init__(self, name: str, done: int, total: int) -> None:
        self._name, self._step, self._total, self._words = name, done, total, ""
        self._begin, self._begin_step = time.monotonic(), done
        self._next_line = self._begin + SECONDS_BETWEEN_LINES
        self._bar: tqdm[Any] | None = None
        if shows_bar():
            self._bar = tqdm(desc=name, initial=done, total=total, unit="step", leave=False)

    def step(self) -> None:
        self._step += 1
        if self._bar is not None:
            self._bar.update()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        speed = (self._step - self._begin_step) / (time.monotonic() - self._begin)
        left = tqdm.format_interval((self._total - self._step) / speed)
        return f"{self._name}: step {self._step}/{self._total}, at most {left} left  {self._words}"

    def show(self, metrics: Mapping[str, float]) -> None:
        """Show the latest logged numbers behind the bar."""
        self._words = " ".join(f"{name}={value:.4g}" for name, value in metrics.items())
        if self._bar is not None:
            self._bar.set_postfix_str(self._words)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
