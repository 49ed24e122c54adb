"""The parts of the report: each method shows HTML and pictures as the output of a notebook cell."""

import html
import inspect
import io
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lab.cli import CONF
from lab.config.errors import UserError
from lab.engine.files import write_atomically
from lab.report import figures
from lab.report.bench import BENCH, bench_table
from lab.report.claims import load_claims
from lab.report.evidence import Evidence
from lab.report.links import links_to_pages
from lab.report.selection import plan, planned
from lab.report.verdict import Finding, Measured, Verdict, finding_of

CSS_CLASS: dict[Verdict, str] = {
    "holds": "holds",
    "holds in part": "in-part",
    "does not hold": "fails",
    "not settled": "open",
}
PLURAL: dict[Verdict, str] = {
    "holds": "hold",
    "holds in part": "hold in part",
    "does not hold": "do not hold",
    "not settled": "are not settled",
}
PALETTE = 26
GAP = 12


class Report:
    """The claims, the evidence and the findings.

    Args:
        out_dir: the folder of the runs; its `report/figures` gets the pictures.
        saved: the folder of the saved evidence; None: no saved evidence.
        config_dirs: more folders with `claim/*.yaml`, such as a user's own.
    """

    def __init__(
        self, out_dir: str, saved: str | None = None, config_dirs: Sequence[str] = ()
    ) -> None:
        self.out_dir = Path(out_dir)
        self.claims = load_claims([CONF, *config_dirs])
        self.evidence = Evidence(self.out_dir, Path(saved) if saved else None)

    @cached_property
    def findings(self) -> dict[str, Finding]:
        """The findings, by the claims' ids."""
        return {claim.id: finding_of(claim, self.evidence) for claim in self.claims}

    def summary(self) -> None:
        """Show how many claims hold, and the most important findings."""
        found = Counter(finding.verdict for finding in self.findings.values())
        counted = ", ".join(f"{found[verdict]} {words}" for verdict, words in PLURAL.items())
        here = int((self.evidence.table["from"] == "here").sum()) if self.evidence.rows else 0
        lines = [f"<p>{len(self.claims)} claims: {counted}. They rest on "
                 f"{len(self.evidence.rows):,} finished runs: {here:,} in this folder, the others "
                 "in the saved evidence.</p>"]  # fmt: skip
        said = [f.sentence(f.claim.finding) for f in self.findings.values()]
        points = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in said if sentence)
        show_html(*lines, f"<ul>{points}</ul>" if points else "")

    def overview(self) -> None:
        """Show the table of claims."""
        rows = "".join(
            f'<tr><td><a href="#{f.claim.id}">{f.claim.id.upper()}</a></td>'
            f"<td>{html.escape(_without_titles(f.claim.source))}</td><td>{html.escape(f.claim.says)}</td>"
            f"<td>{_badge(f)}</td></tr>"
            for f in self.findings.values()
        )
        head = "<tr><th></th><th>source</th><th>claim</th><th>verdict</th></tr>"
        show_html(f'<div class="table"><table class="overview"><thead>{head}</thead>'
              f"<tbody>{rows}</tbody></table></div>")  # fmt: skip

    def section(self, study: str) -> None:
        """Show each claim of a study: verdict, parts, figures, commands."""
        for finding in self.findings.values():
            if finding.claim.study == study:
                self.claim(finding.claim.id)

    def claim(self, name: str) -> None:
        """Show one claim."""
        finding = self.findings[name]
        claim = finding.claim
        said = [f'<h3 id="{name}">{name.upper()}. {html.escape(claim.says)}</h3>',
                f"<p>Source: {html.escape(claim.source)}. {html.escape(claim.setting)}</p>",
                f'<p class="verdict">{_badge(finding)}</p>', _parts(finding)]  # fmt: skip
        why = finding.sentence(claim.why) if claim.runs else claim.why
        said += [f"<p>{html.escape(why)}</p>"] if why else []
        if finding.quick:
            said.append("<p>These are the runs of the quick plan, with fewer steps and seeds. "
                        "They settle no claim.</p>")  # fmt: skip
        show_html(*said)
        for number in range(1, len(claim.figures) + 1):
            self.figure(name, number)
        show_html(_warnings(finding), _details(finding))

    def figure(self, name: str, number: int) -> None:
        """Show a claim's figure, counted from 1; nothing if its runs are missing."""
        finding = self.findings[name]
        wanted = dict(finding.claim.figures[number - 1])
        draw = getattr(figures, wanted.pop("draw"), None)
        if draw is None:
            raise UserError(f"claim {finding.claim.id}: figure {number} names no function in draw")
        names = wanted.pop("runs")
        where = wanted.pop("where", None)
        parts = [finding.runs[name].assign(group=name)
                 for name in ([names] if isinstance(names, str) else names)]  # fmt: skip
        rows = pd.concat([part for part in parts if len(part)] or [pd.DataFrame()])
        rows = rows.query(where, engine="python") if where and len(rows) else rows
        if rows.empty:
            return
        more = (
            {"evidence": self.evidence} if "evidence" in inspect.signature(draw).parameters else {}
        )
        drawn = draw(rows, **more, **wanted)
        for picture in drawn if isinstance(drawn, list) else [drawn]:
            tail = f"_{picture.stem}" if isinstance(picture, Path) else ""
            self.picture(f"{finding.claim.id}_{number}{tail}", picture, finding.claim.says)

    def picture(self, name: str, drawn: Any, alt: str) -> None:
        """Show a figure or a PNG file, and keep it in the report's figures."""
        data = show_picture(drawn, alt)
        folder = self.out_dir / "report" / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{name}.png", lambda file: file.write(data))

    def bench(self) -> None:
        """Show the bench of memory: its table and figure, or the command that runs it."""
        rows = BENCH.found(self.evidence)
        if rows.empty:
            show_html(f"<p>It has not been run. The command is <code>{BENCH.command}</code></p>")
            return
        show_html(bench_table(rows))
        self.picture("bench", figures.beyond(rows), "Accuracy beyond the lengths trained on")

    def missing(self) -> None:
        """Show the commands whose runs are not all finished."""
        steps = {**plan(self.claims, quick=False), BENCH.command: BENCH}
        rows = "".join(
            f"<tr><td>{missing} of {len(step.configs)}</td><td><code>{html.escape(command)}"
            "</code></td></tr>"
            for command, step in steps.items()
            if (missing := step.missing(self.evidence))
        )
        if rows:
            head = "<tr><th>runs</th><th>command</th></tr>"
            show_html(f'<div class="table"><table><thead>{head}</thead>'
                      f"<tbody>{rows}</tbody></table></div>")  # fmt: skip
        else:
            show_html("<p>Every run that the claims need is finished.</p>")
        for line in self.evidence.unreadable:
            show_html(f"<p>Not read: {html.escape(line)}</p>")

    def pages(self) -> None:
        """Show links to the pages of `lab play`."""
        show_html(links_to_pages(self.out_dir))

    def provenance(self) -> None:
        """Show the commits, versions and processors of the runs."""
        if not self.evidence.rows:
            return
        columns = ["task", "commit", "torch", "device", "cpu"]
        table = self.evidence.table.reindex(columns=columns).fillna("")
        counted = table.groupby(columns).size().reset_index(name="runs")
        show_html(f'<div class="table">{counted.to_html(index=False, border=0)}</div>')


def png_of(drawn: Any) -> bytes:
    """Return a small PNG of a Matplotlib figure or of a picture file."""
    from PIL import Image

    if isinstance(drawn, Path):
        image = Image.open(drawn).convert("RGB")
    else:
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png")
        image = Image.open(buffer).convert("RGB")
    out = io.BytesIO()
    # With a palette the file is a third as large, and looks the same.
    image.quantize(PALETTE, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()


def show_picture(drawn: Any, alt: str) -> bytes:
    """Show a Matplotlib figure or a picture file, and return its PNG."""
    from IPython.display import Image, display

    data = png_of(drawn)
    display(Image(data, alt=alt))
    return data


def show_html(*parts: str) -> None:
    """Show HTML as a cell's output."""
    from IPython.display import HTML, display

    display(HTML("\n".join(part for part in parts if part)))


def _without_titles(source: str) -> str:
    """A source without the titles of its papers: authors and year are enough in a table."""
    return re.sub(r', "[^"]*"', "", source)


def _badge(finding: Finding) -> str:
    return f'<span class="badge {CSS_CLASS[finding.verdict]}">{finding.verdict}</span>'


def _parts(finding: Finding) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(m.part.says)}{_note(m)}</td>"
        f"<td>{m.n if not m.part.function else ''}</td><td>{_number(m, m.mean)}</td>"
        f"<td>{_interval(m)}</td><td>{html.escape(m.part.bound)}"
        f"{' (whole interval)' if m.part.by == 'interval' else ''}</td>"
        f"<td>{'' if not m.n else 'pass' if m.passes else 'fail'}</td></tr>"
        for m in finding.parts
    )
    head = ("<tr><th>part</th><th>seeds</th><th>mean</th><th>95 % interval</th><th>bound</th>"
            "<th></th></tr>")  # fmt: skip
    return f'<div class="table"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _note(measured: Measured) -> str:
    note = f"worst at {measured.where}" if measured.where else measured.unknown
    return f" ({html.escape(note)})" if note else ""


def _number(measured: Measured, value: float) -> str:
    return f"{value:{measured.part.form}}" if measured.n else "–"


def _interval(measured: Measured) -> str:
    ends = measured.interval
    return "" if ends is None else f"{_number(measured, ends[0])} to {_number(measured, ends[1])}"


def _warnings(finding: Finding) -> str:
    """The warnings of a claim's runs as HTML; empty if there are none."""
    lines = {
        str(run): said
        for rows in finding.runs.values()
        if "warnings" in rows
        for run, said in zip(rows["run"], rows["warnings"], strict=True)
        if isinstance(said, list)
    }
    items = "".join(f"<li>{html.escape(run)}: {html.escape('. '.join(said))}</li>"
                    for run, said in lines.items())  # fmt: skip
    count = f"{len(lines)} {'run has' if len(lines) == 1 else 'runs have'} warnings"
    return f"<details><summary>{count}</summary><ul>{items}</ul></details>" if lines else ""


def _details(finding: Finding) -> str:
    commands = "\n".join(step.command for step in planned(finding.claim).values())
    lines = [f"<pre>{html.escape(commands)}</pre>"] if commands else ["<p>It needs no run.</p>"]
    if finding.verdict == "not settled":
        least = finding.claim.least_seeds
        lines.append(f"<p>A verdict needs {least} {'seed' if least == 1 else 'seeds'} of each "
                     "part.</p>")  # fmt: skip
    lines += [f"<p>Missing: {html.escape(line)}</p>" for line in finding.missing]
    return f"<details><summary>Commands and what is missing</summary>{''.join(lines)}</details>"
