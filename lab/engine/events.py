"""TensorBoard's event files: in order whatever the clock says, written without a thread."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter

PREFIX = "events.out.tfevents."


class EventFile:
    """A new event file beside those that are there.

    TensorBoard reads a run's files in the order of their names, which begin with a time. A clock
    that was set back, or two processes in one second, must not put a later file before an earlier.

    Args:
        folder: of the run.
        first_step: events of this step and later ones in earlier files no longer count; None where
            there are no earlier files.

    Raises:
        OSError: here or in any method: it cannot be written.
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
        """A point for each tag."""
        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._write(Event(step=step, summary=Summary(value=points)))

    def image(self, tag: str, png: bytes, size: tuple[int, int], colours: int, step: int) -> None:
        """A picture as it is.

        Args:
            size: width and height in pixels.
            colours: of a pixel: 1 grey, 3 RGB, 4 RGBA.
        """
        width, height = size
        image = Summary.Image(
            width=width, height=height, colorspace=colours, encoded_image_string=png
        )
        summary = Summary(value=[Summary.Value(tag=tag, image=image)])
        self._write(Event(step=step, summary=summary))

    def settings(self, values: Mapping[str, Any]) -> None:
        """What the HParams page shows beside the last points of the scalars.

        No list of columns is written: TensorBoard makes it from all runs, and puts first those
        whose values differ.

        Args:
            values: numbers, words and truth values.
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
    """`events.out.tfevents.<10 digits>.lab`, greater than all that are there."""
    numbers = [path.name.removeprefix(PREFIX)[:10] for path in folder.glob(f"{PREFIX}*")]
    last = max((int(number) for number in numbers if number.isdecimal()), default=0)
    return folder / f"{PREFIX}{max(int(time.time()), last + 1):010}.lab"
