"""What stops a run and is told in one line, and the exit code that goes with it."""


class UserError(Exception):
    """Something the user can put right: the message is one line, with no traceback."""

    exit_code = 1


class BusyError(UserError):
    """Another process is at the same run."""

    exit_code = 3


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM came. Like a KeyboardInterrupt, it passes every `except Exception`.

    Args:
        signal_number: what came; the exit code is 128 + it, as shells have it.
        message: how far the run had come.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
