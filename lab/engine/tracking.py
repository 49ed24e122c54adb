"""Show a run while it trains: metrics.csv, TensorBoard and the progress bar."""

import csv
import io
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter
from tqdm import tqdm

from lab.config.base import RunConfig
from lab.engine import interrupts
from lab.engine.files import write_text
from lab.engine.run_folder import RunFolder, columns_of
from lab.engine.study import flatten_result, lookup
from lab.engine.terminal import bar_file

SECONDS_BETWEEN_LINES = 5.0
WITHOUT_TIME_LEFT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]"
"""tqdm's own format, but for the time left."""


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
        settings: dict[str, int | float | str] = {}
        for key, value in config.flat_settings.items():
            if key.endswith("._target_"):
                settings[key.removesuffix("._target_")] = str(value).rpartition(".")[2]
            elif key != "_target_" and value is not None:
                settings[key] = value if isinstance(value, int | float | str) else str(value)
        self._events.settings(settings)
        cells = flatten_result(result)
        numbers = {
            tag: float(value)
            for name, tag in self._tags.items()
            if name not in {*self.columns, *config.flat_settings}
            and isinstance(value := lookup(cells, name), int | float)
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

    A task that may stop early mostly does so soon. The time that its remaining steps would take is
    shown only once half of them are done.

    Args:
        name: the run's name, in front of the bar.
        done: the number of steps that are done.
        total: the largest number of steps.
        columns: the metrics to show; none: the first four that are logged.
        may_stop_early: whether training may take fewer steps than `total`.
    """

    def __init__(
        self, name: str, done: int, total: int, columns: Sequence[str], may_stop_early: bool
    ) -> None:
        self._name, self._step, self._total = name, done, total
        self._columns, self._may_stop_early = columns, may_stop_early
        self._shown: dict[str, float] = {}
        self._begin, self._begin_step = time.monotonic(), done
        self._next_line = self._begin + SECONDS_BETWEEN_LINES
        self._bar: tqdm[Any] | None = None
        if (file := bar_file()) is not None:
            self._bar = tqdm(
                desc=name, initial=done, total=total, unit="step", leave=False, file=file,
                bar_format=None if self._tells_time else WITHOUT_TIME_LEFT,
            )  # fmt: skip

    @property
    def _tells_time(self) -> bool:
        return not self._may_stop_early or 2 * self._step >= self._total

    def step(self) -> None:
        self._step += 1
        if self._bar is not None:
            if self._tells_time:
                self._bar.bar_format = None
            self._bar.update()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        speed = (self._step - self._begin_step) / (time.monotonic() - self._begin)
        left = tqdm.format_interval((self._total - self._step) / speed)
        at_most = "at most " if self._may_stop_early else ""
        time_left = f", {at_most}{left} left" if self._tells_time else ""
        return f"{self._name}: step {self._step}/{self._total}{time_left}  {self._words}".rstrip()

    @property
    def _words(self) -> str:
        names = self._columns or list(self._shown)[:4]
        known = {name: self._shown[name] for name in names if name in self._shown}
        return " ".join(f"{name}={value:.4g}" for name, value in known.items())

    def show(self, metrics: Mapping[str, float]) -> None:
        """Show the latest logged numbers behind the bar; each stays until it is logged again."""
        self._shown |= metrics
        if self._bar is not None:
            self._bar.set_postfix_str(self._words)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


PREFIX = "events.out.tfevents."


class EventFile:
    """A new event file in a run's folder.

    TensorBoard reads a run's files in the order of their names, which begin with a time. The name
    is chosen so that this file comes last, even if the clock was set back or another process wrote
    a file in the same second.

    Args:
        folder: the run's folder.
        first_step: earlier files' events from this step on no longer count; None if there are no
            earlier files.

    Raises:
        OSError: here or in any method: the file cannot be written.
    """

    def __init__(self, folder: Path, first_step: int | None) -> None:
        self._file = open(_next_name(folder), "xb")  # noqa: SIM115 - closed in close()
        self._records = RecordWriter(self._file)
        self._write(Event(file_version="brain.Event:2"))
        if first_step is not None:
            start = SessionLog(status=SessionLog.START)
            self._write(Event(step=first_step, session_log=start))

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write a point for each tag."""
        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._write(Event(step=step, summary=Summary(value=points)))

    def image(self, tag: str, png: bytes, size: tuple[int, int], colours: int, step: int) -> None:
        """Write a picture.

        Args:
            tag: the name of the picture.
            png: the bytes of its PNG file.
            size: width and height in pixels.
            colours: the channels of a pixel: 1 grey, 3 RGB, 4 RGBA.
            step: the step at which it is shown.
        """
        width, height = size
        image = Summary.Image(
            width=width, height=height, colorspace=colours, encoded_image_string=png
        )
        summary = Summary(value=[Summary.Value(tag=tag, image=image)])
        self._write(Event(step=step, summary=summary))

    def settings(self, values: Mapping[str, Any]) -> None:
        """Write the settings that the HParams page shows with the last points of the scalars.

        No list of columns is written, because TensorBoard makes a better one from all runs: columns
        whose values differ come first.

        Args:
            values: numbers, strings and booleans.
        """
        self._write(Event(summary=hparams_pb(values)))
        end = SessionEndInfo(status=Status.STATUS_SUCCESS, end_time_secs=time.time())
        self._write(Event(summary=Summary(value=[_of_hparams(end)])))

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _of_hparams(end: SessionEndInfo) -> Summary.Value:
    content = metadata.create_summary_metadata(HParamsPluginData(session_end_info=end))
    tag = metadata.SESSION_END_INFO_TAG
    return Summary.Value(tag=tag, metadata=content, tensor=metadata.NULL_TENSOR)


def _next_name(folder: Path) -> Path:
    """`events.out.tfevents.<10 digits>.lab`, with a larger number than the files in the folder."""
    numbers = [path.name.removeprefix(PREFIX)[:10] for path in folder.glob(f"{PREFIX}*")]
    last = max((int(number) for number in numbers if number.isdecimal()), default=0)
    return folder / f"{PREFIX}{max(int(time.time()), last + 1):010}.lab"
