"""Debian's Chromium without a window, driven by its DevTools protocol over a pair of pipes.

No package is needed: Chromium reads and writes JSON messages that end with a zero byte on its file
descriptors 3 and 4 (`--remote-debugging-pipe`).
"""

import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"),
)
TIMEOUT = 60.0


class Browser:
    """A browser process; each page is opened in a tab of its own."""

    def __init__(self) -> None:
        assert PROGRAM is not None
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        for_child, self._out = os.pipe()
        self._in, from_child = os.pipe()
        # Out of the way of 3 and 4, which the child gets them as.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (for_child, from_child)]
        words = [PROGRAM, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", *words],
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (for_child, from_child, *ends):
            os.close(end)
        self._numbers = itertools.count(1)
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and give its result; events are kept."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + TIMEOUT
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser has ended"
            self._rest += chunk
        first, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(first)
        return message

    def open(self, path: Path, width: int = 1280, height: int = 800, dark: bool = False) -> "Tab":
        """Open a file, and wait for the outcome of its self-test and the first drawing."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Runtime", "Log", "Network", "Page"):
            tab.send(f"{domain}.enable")
        tab.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.send("Emulation.setEmulatedMedia", features=[scheme])
        tab.send("Page.navigate", url=path.resolve().as_uri())
        tab.wait_for("document.documentElement?.dataset.selftest")
        tab.settle()
        return tab

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()


class Tab:
    """An open page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **parameters)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Ask again and again until the expression gives something true, and give that."""
        end = time.monotonic() + TIMEOUT
        while not (found := self.value(expression)):
            assert time.monotonic() < end, f"not within {TIMEOUT:g} s: {expression}"
            time.sleep(0.02)
        return found

    def settle(self) -> None:
        """Wait until what was asked for is on the screen."""
        self.value("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def text(self, selector: str) -> str:
        return str(self.value(f"document.querySelector({json.dumps(selector)}).textContent"))

    def key(self, key: str) -> None:
        """Press and release a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def type(self, selector: str, text: str) -> None:
        """Replace the text of a field, and press Enter."""
        self.value(f"document.querySelector({json.dumps(selector)}).select()")
        self.send("Input.insertText", text=text)
        self.send("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r")
        self.settle()

    def place(self, selector: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """Where a point of an element lies in the window, after scrolling to the element."""
        x, y = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({ block: 'center', behavior: 'instant' });"
            "const box = e.getBoundingClientRect();"
            f"return [box.left + {across} * box.width, box.top + {down} * box.height]; }})()"
        )
        return x, y

    def click(self, selector: str, across: float = 0.5, down: float = 0.5) -> None:
        x, y = self.place(selector, across, down)
        self._mouse("mousePressed", x, y)
        self._mouse("mouseReleased", x, y)
        self.settle()

    def drag(self, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag the mouse from one point of an element to another, in ten moves."""
        x, y = self.place(selector, *start)
        to_x, to_y = self.place(selector, *end)
        self._mouse("mousePressed", x, y)
        for move in range(1, 11):
            share = move / 10
            self._mouse("mouseMoved", x + share * (to_x - x), y + share * (to_y - y))
        self._mouse("mouseReleased", to_x, to_y)
        self.settle()

    def _mouse(self, kind: str, x: float, y: float) -> None:
        self.send(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
        )

    def touch(self, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag a finger from one point of an element to another."""
        points = [self.place(selector, *start), self.place(selector, *end)]
        for kind, point in (("touchStart", points[0]), ("touchMove", points[1])):
            touch = [{"x": point[0], "y": point[1]}]
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=touch)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def _events(self, *methods: str) -> list[dict[str, Any]]:
        events = self._browser.events
        return [
            event["params"]
            for event in events
            if event["method"] in methods and event.get("sessionId") == self._session
        ]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Errors and warnings of the console, exceptions, and messages of the browser's log."""
        self.settle()
        said = self._events("Runtime.consoleAPICalled")
        return [
            *(event for event in said if event["type"] in ("error", "warning", "assert")),
            *self._events("Runtime.exceptionThrown", "Log.entryAdded"),
        ]

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for, but the page's own and pictures within it."""
        asked = [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]
        return [address for address in asked[1:] if not address.startswith("data:")]

    def close(self) -> None:
        self.send("Page.close")
