"""Write TensorBoard's event files, without a thread, and in order even if the clock is set back."""

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
