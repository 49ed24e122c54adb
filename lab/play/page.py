"""Put template, style, scripts and data into one HTML file that needs nothing else."""

import html
import json
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent / "web"
SHARED = ("base.js", "algebra.js", "colours.js", "draw.js", "controls.js", "selftest.js")
SCRIPTS = {
    "memory": ("cells.js", "gradients.js", "memory_run.js", "memory_input.js", "memory.js"),
    "state": ("cells.js", "state.js"),
    "generation": ("layers.js", "latent.js", "frames.js", "generation_tools.js", "generation.js"),
    "by_hand": ("frames.js", "by_hand.js"),
}


def page(kind: str, title: str, runs: list[dict[str, Any]]) -> str:
    """Return the HTML of a page.

    Args:
        kind: memory, state, generation or by_hand.
        title: the title of the page.
        runs: the data of each run, from the module with the name of the kind; state is in memory.
    """
    data = json.dumps({"kind": kind, "title": title, "runs": runs}, allow_nan=False)
    script = "\n".join(
        (WEB / name).read_text(encoding="utf-8") for name in (*SHARED, *SCRIPTS[kind], "start.js")
    )
    parts = {
        "title": html.escape(title),
        "style": (WEB / "page.css").read_text(encoding="utf-8"),
        # "<" in the data could end the script element.
        "data": data.replace("<", "\\u003c"),
        "script": script,
    }
    template = (WEB / "page.html").read_text(encoding="utf-8")
    before, *pieces = template.split("{{")
    filled = [before]
    for piece in pieces:
        name, _, after = piece.partition("}}")
        filled += [parts[name], after]
    return "".join(filled)
