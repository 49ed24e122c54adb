"""Links from the report to the pages that `lab play` wrote into run folders."""

import html
import os
import re
from pathlib import Path
from urllib.parse import quote


def links_to_pages(out_dir: Path) -> str:
    """Return a heading and links, as HTML for a page in `<out_dir>/report`; empty without pages.

    Args:
        out_dir: the folder of the runs.
    """
    items = []
    for page in sorted(out_dir.rglob("play*.html")):
        if not (page.parent / "config.yaml").exists():
            continue  # this file is not in a run folder
        address = quote(Path(os.path.relpath(page, out_dir / "report")).as_posix())
        runs = [page.parent.name, *filter(None, [page.stem.removeprefix("play").lstrip("-")])]
        words = html.escape(" beside ".join(runs))
        items.append(f'<li><a href="{address}">{words}</a></li>')
    if not items:
        return ""
    return f'<div class="local"><h2>Networks to try out</h2><ul>{"".join(items)}</ul></div>'


def without_links(page: str) -> str:
    """Remove the links, which would not work from another folder."""
    return re.sub(r'<div class="local">.*?</div>', "", page, flags=re.DOTALL)
