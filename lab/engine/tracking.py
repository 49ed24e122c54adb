"""What can be watched of a run: metrics.csv, TensorBoard, the progress bar."""

import csv
import io
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams
from tqdm import tqdm

from lab.config.base import flatten
from lab.engine.files import write_text
from lab.engine.run_folder import RunFolder, columns_of

SECONDS_BETWEEN_LINES = 5.0


class Tracker:
    """Writes each logged step to metrics.csv and TensorBoard.

    Args:
        folder: the run's; metrics.csv and the event files lie in it.
        columns: of metrics.csv, beside `step`.
        first_step: the step that training begins or goes on with.
        csv_text: what metrics.csv held when the checkpoint was written; rows after it are dropped.
    """

    def __init__(
        self, folder: RunFolder, columns: Sequence[str], first_step: int, csv_text: str | None
    ) -> None:
        self.columns = ["step", *columns]
        self._text = csv_text or self._line(dict(zip(self.columns, self.columns, strict=True)))
        write_text(folder.metrics_file, self._text)
        self._file = open(folder.metrics_file, "a")  # noqa: SIM115 - closed in close()
        threading.excepthook = _raised_again_by_flush
        # Without purge_step the curves of a resumed run would run back and forth.
        self.writer = SummaryWriter(str(folder.path), purge_step=first_step if csv_text else None)

    @property
    def csv_text(self) -> str:
        """All of metrics.csv so far, for the checkpoint."""
        return self._text

    @property
    def history(self) -> dict[str, list[float]]:
        """Every column of metrics.csv so far; nan where a row has no value."""
        return columns_of(self._text)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """One row of metrics.csv, a scalar each in TensorBoard.

        Args:
            metrics: some or all of `columns`; those not given stay empty.
        """
        line = self._line({"step": step, **metrics})
        self._text += line
        self._file.write(line)
        self._file.flush()
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)

    def _line(self, row: Mapping[str, object]) -> str:
        buffer = io.StringIO()
        csv.DictWriter(buffer, self.columns, lineterminator="\n").writerow(row)
        return buffer.getvalue()

    def image(self, name: str, png: bytes, step: int = 0) -> None:
        """Show a figure in TensorBoard: the bytes of its PNG as they are."""
        from PIL import Image
        from tensorboard.compat.proto.summary_pb2 import Summary

        with Image.open(io.BytesIO(png)) as header:
            (width, height), colours = header.size, len(header.getbands())
        # SummaryWriter.add_image would decode the file and compress it a second time.
        image = Summary.Image(
            height=height, width=width, colorspace=colours, encoded_image_string=png
        )
        self.writer._get_file_writer().add_summary(
            Summary(value=[Summary.Value(tag=name, image=image)]), step
        )

    def settings(self, config: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """TensorBoard's HParams page: the settings with the numbers of the result.

        `SummaryWriter.add_hparams` would open a second, timestamped run for them.
        """
        numbers = {
            f"result/{name}": float(value)
            for name, value in result.items()
            if isinstance(value, int | float)
        }
        events = self.writer._get_file_writer()
        settings = {
            key: value if isinstance(value, str | float | bool) else str(value)
            for key, value in flatten(config).items()
        }
        for summary in hparams(settings, numbers):
            events.add_summary(summary)
        for name, number in numbers.items():
            self.writer.add_scalar(name, number)

    def flush(self) -> None:
        """Write out everything so far: a checkpoint must not know more than the logs."""
        self.writer.flush()

    def close(self) -> None:
        try:
            self.writer.close()
        finally:
            self._file.close()
            threading.excepthook = threading.__excepthook__


def _raised_again_by_flush(args: threading.ExceptHookArgs) -> None:
    """TensorBoard's thread also hands a full disk's error to us: no traceback of its own for it."""
    if not issubclass(args.exc_type, OSError):
        threading.__excepthook__(args)


class Progress:
    """A bar on a terminal, a plain line now and then elsewhere; both on standard error.

    Args:
        name: of the run, before the bar.
        done: steps done before.
        total: steps at most.
    """

    def __init__(self, name: str, done: int, total: int) -> None:
        self._name, self._step, self._total, self._words = name, done, total, ""
        self._begin, self._begin_step = time.monotonic(), done
        self._next_line = self._begin + SECONDS_BETWEEN_LINES
        self._bar: tqdm[Any] | None = None
        if sys.stderr.isatty():
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
        """The numbers beside the bar: the latest of those logged."""
        self._words = " ".join(f"{name}={value:.4g}" for name, value in metrics.items())
        if self._bar is not None:
            self._bar.set_postfix_str(self._words)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
