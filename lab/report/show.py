"""How a finding looks in the notebook: words, table and pictures, each picture a file as well."""

import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lab.engine.files import write_atomically
from lab.report.evidence import FAILS, HOLDS, ONLY_IF, OPEN, Finding, Results

CLASSES = {HOLDS: "holds", ONLY_IF: "only-if", FAILS: "fails", OPEN: "open"}
GREYS = 32
COLOURS = 64
GAP = 12


def figures_folder(results: Results) -> Path:
    """Where the report's pictures lie."""
    return results.out_dir / "report" / "figures"


def png_of(picture: Any) -> bytes:
    """A small PNG of a matplotlib figure, of a run's picture, or of several side by side.

    Raises:
        OSError: a run's picture is not there.
    """
    from PIL import Image

    if isinstance(picture, Path):
        picture = [picture]
    if isinstance(picture, list):
        image = _side_by_side([Image.open(path).convert("RGB") for path in picture])
    else:
        buffer = io.BytesIO()
        picture.savefig(buffer, format="png")
        image = Image.open(buffer).convert("RGB")
    # A palette takes a third of the space, and nobody sees it.
    few = image.quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, format="PNG", optimize=True)
    return out.getvalue()


def _side_by_side(images: list[Any]) -> Any:
    from PIL import Image

    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    sheet = Image.new("RGB", (width, max(image.height for image in images)), "white")
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + GAP
    return sheet


def _words_of(name: str, picture: Any) -> str:
    """What a screen reader says."""
    title = getattr(picture, "_suptitle", None)
    if title is not None:
        return f"{name}: {title.get_text()}"
    paths = picture if isinstance(picture, list) else [picture]
    return f"{name}: {', '.join(path.stem for path in paths)} of {paths[0].parents[1].name}"


def picture(results: Results, name: str, drawn: Any) -> None:
    """Show a picture and write it to the report's figures; a missing one is said in words."""
    from IPython.display import Image, Markdown, display

    try:
        data = png_of(drawn)
    except OSError as error:
        display(Markdown(f"*{name}: no picture ({error})*"))
        return
    folder = figures_folder(results)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{name}.png", lambda file: file.write(data))
    display(Image(data, alt=_words_of(name, drawn)))


def table(rows: pd.DataFrame) -> None:
    """Show a table that scrolls sideways where it is wider than the page."""
    from IPython.display import HTML, display

    if len(rows):
        text = rows.to_html(
            index=False, border=0, justify="left", na_rep="–", float_format="{:g}".format
        )
        display(HTML(f'<div class="table">{text}</div>'))


def verdict_html(finding: Finding) -> str:
    """The verdict as a badge with its condition."""
    words = finding.phrase.removeprefix(finding.verdict)
    badge = f'<span class="badge {CLASSES[finding.verdict]}">{finding.verdict}</span>'
    return badge + html.escape(words)


def show(results: Results, finding: Finding) -> None:
    """The verdict, why, by which rule, on how much, what is missing; the numbers; the pictures."""
    from IPython.display import HTML, display

    parts = [f'<p class="verdict">{verdict_html(finding)}</p>']
    if finding.reason:
        parts.append(f"<p>{html.escape(finding.reason)}</p>")
    parts.append(f'<p class="small"><b>Rule:</b> {html.escape(finding.rule)}.</p>')
    if finding.id != "B12":
        parts.append(f'<p class="small"><b>Rests on</b> {finding.extent}.</p>')
    if finding.missing:
        needed = "; ".join(html.escape(line) for line in finding.missing)
        above = "" if finding.id == "B12" else ". The commands above make it"
        parts.append(f'<p class="small"><b>Missing:</b> {needed}{above}.</p>')
    display(HTML("\n".join(parts)))
    table(finding.table)
    for name, drawn in finding.figures.items():
        picture(results, name, drawn)


def overview(findings: Sequence[Finding]) -> None:
    """A row for each experiment: the claim, the verdict, on how much."""
    from IPython.display import HTML, display

    from lab.report.claims import CLAIMS

    rows = "\n".join(
        "<tr><td><a "
        f'href="#{f.id}">{f.id}</a></td><td>{html.escape(CLAIMS[f.id].text)}</td><td>{verdict_html(f)}</td>'
        f"<td>{f.evidence['seed'].nunique() if len(f.evidence) else 0}</td></tr>"
        for f in findings
    )
    head = "<tr><th></th><th>claim</th><th>verdict</th><th>seeds</th></tr>"
    display(
        HTML(
            '<div class="table"><table '
            f'class="overview"><thead>{head}</thead><tbody>{rows}</tbody></table></div>'
        )
    )
