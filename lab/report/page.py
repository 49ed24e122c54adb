"""The report: the findings, the figures, and the page that shows them.

The page is one Jinja template, `page.html.jinja`, whose macros are its sections. It needs no
network, no kernel and no script.
"""

import base64
import inspect
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd

from lab.cli import CONF
from lab.config.errors import UserError
from lab.engine.files import write_atomically
from lab.engine.interrupts import act
from lab.report import figures, intervals
from lab.report.bench import COMMAND, Bench
from lab.report.claims import Claim, load_claims, select
from lab.report.evidence import Evidence
from lab.report.plan import plan, planned
from lab.report.verdict import Case, Finding, Measured, Verdict, check, finding_of

CSS_CLASS: dict[Verdict, str] = {
    "holds": "holds",
    "holds in part": "in-part",
    "does not hold": "fails",
    "undecided": "open",
}
PLURAL: dict[Verdict, str] = {
    "holds": "hold",
    "holds in part": "hold in part",
    "does not hold": "do not hold",
    "undecided": "are undecided",
}
STUDIES = {"memory": "Memory", "generation": "Generation", "by_hand": "GANs by hand"}

Tell = Callable[[str], None]


class Report:
    """The claims, the evidence, the findings and the page.

    Args:
        out_dir: the folder of the runs; its `report/figures` gets the pictures.
        saved: the folder of the saved evidence; None: no saved evidence.
        config_dirs: more folders with `claim/*.yaml`, such as a user's own.
        tell: gets a line before each step.
    """

    def __init__(
        self,
        out_dir: Path,
        saved: Path | None = None,
        config_dirs: Sequence[str] = (),
        tell: Tell = lambda line: None,
    ) -> None:
        self.out_dir = out_dir
        self.claims = load_claims([CONF, *config_dirs])
        self._tell = tell
        tell("reading the runs")
        self.evidence = Evidence(out_dir, saved)
        # A claim of the user's own is more likely to be wrong than ours.
        for claim in sorted(self.claims, key=lambda claim: claim.config_dir is None):
            act()
            tell(f"checking claim {claim.id.upper()}")
            check(claim, self.evidence)
        self._drawn: dict[str, list[dict[str, str]]] = {}
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "number": _number,
            "interval": _interval,
            # Without the titles of papers: authors and year are enough in a table.
            "plain": lambda source: re.sub(r', "[^"]*"', "", source),
            "percent": lambda share: f"{share:.0%}".replace("%", " %"),
        }
        environment.globals |= {"bench_command": COMMAND, "most_failures": intervals.most_failures}
        self._macros: Any = environment.get_template("page.html.jinja").module

    @cached_property
    def findings(self) -> dict[str, Finding]:
        """The findings, by the claims' ids."""
        found = {}
        for claim in self.claims:
            act()
            self._tell(f"judging claim {claim.id.upper()}")
            found[claim.id] = finding_of(claim, self.evidence)
        return found

    def html(self, links: bool = True) -> str:
        """The page.

        Args:
            links: whether to link to the pages of `lab play`, which lie beside the runs.
        """
        css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
        return str(self._macros.page(self, css, self.networks if links else []))

    def section(self, name: str) -> str:
        """A section as HTML: that of a claim by its id, or `overview`, `bench`, `missing`, …"""
        if name in self.findings:
            return str(self._macros.claim(self, self.findings[name]))
        return str(getattr(self._macros, name)(self))

    # What the template shows.

    @property
    def studies(self) -> dict[str, tuple[str, list[Finding]]]:
        """The title and the findings of each study."""
        findings = self.findings.values()
        return {study: (title, [f for f in findings if f.claim.study == study])
                for study, title in STUDIES.items()}  # fmt: skip

    @property
    def counted(self) -> str:
        """How many claims have each verdict."""
        counts = Counter(finding.verdict for finding in self.findings.values())
        words = [f"{counts[kind]} {words}" for kind, words in PLURAL.items() if counts[kind]]
        return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]

    @property
    def one_run(self) -> int:
        """How many verdicts rest on one run."""
        return sum(f.one_run and f.verdict != "undecided" for f in self.findings.values())

    @property
    def fails_in_full(self) -> int:
        """How many undecided claims have a part that fails."""
        return sum(finding.fails_in_full for finding in self.findings.values())

    @property
    def sentences(self) -> list[str]:
        """The most important findings, a sentence each."""
        said = (finding.sentence(finding.claim.finding) for finding in self.findings.values())
        return list(filter(None, said))

    @staticmethod
    def badge(finding: Finding) -> tuple[str, str]:
        """The class and the text of a verdict."""
        text = finding.verdict + (" (one run)" if finding.one_run else "")
        return CSS_CLASS[finding.verdict], text

    @staticmethod
    def why(finding: Finding) -> str:
        claim = finding.claim
        return finding.sentence(claim.why) if claim.runs else claim.why

    @staticmethod
    def note(measured: Measured) -> str:
        """What a reader must know beside the number of a part."""
        case, part = measured.case, measured.part
        said = []
        if case.where:
            said.append(f"the least clear of {len(measured.cases)}: {case.where}"
                        if measured.state == "holds" else
                        f"{measured.state} at {case.where}")  # fmt: skip
        if part.one_run and not part.function:
            said.append("one run")
        if part.extended_from is not None:
            said.append(f"undecided at n={part.extended_from}; extended once to n={case.planned}")
        if measured.state == "undecided" and case.n > 0 and not part.one_run:
            said.append(_wanted(case))
        return "; ".join(filter(None, said))

    def commands(self, claim: Claim) -> list[str]:
        """The commands that make a claim's runs."""
        return [step.command for step in planned(claim).values()]

    def pictures(self, name: str) -> list[dict[str, str]]:
        """The figures of a claim, each with its text and its PNG as a data address."""
        if name not in self._drawn:
            act()
            self._tell(f"drawing claim {name.upper()}")
            count = len(self.findings[name].claim.figures)
            self._drawn[name] = [p for n in range(1, count + 1) for p in self._figure(name, n)]
        return self._drawn[name]

    def _figure(self, name: str, number: int) -> list[dict[str, str]]:
        """A claim's figure, counted from 1; empty if its runs are missing."""
        finding = self.findings[name]
        wanted = dict(finding.claim.figures[number - 1])
        draw = figures.FIGURES[wanted.pop("draw")]
        names, where = Claim.runs_of(wanted), wanted.pop("where", None)
        del wanted["runs"]
        parts = [finding.runs[group].assign(group=group) for group in names]
        rows = pd.concat([part for part in parts if len(part)] or [pd.DataFrame()])
        rows = select(rows.reset_index(drop=True), where)
        if rows.empty:
            return []
        if "evidence" in inspect.signature(draw).parameters:
            wanted["evidence"] = self.evidence
        try:
            drawn: Any = draw(rows, **wanted)
        except Exception as error:
            raise UserError(f"{finding.claim.file}: figures[{number - 1}]: {error}") from error
        if isinstance(drawn, list):
            return [self._picture(f"{name}_{number}_{path.stem}", path,
                                  f"{name.upper()}: {path.stem.replace('_', ' ')}")
                    for path in drawn]  # fmt: skip
        title = " ".join(drawn.get_suptitle().split())
        return [self._picture(f"{name}_{number}", drawn, f"{name.upper()}: {title}")]

    def _picture(self, name: str, drawn: Any, text: str) -> dict[str, str]:
        """Make a PNG of a figure or a picture file, and keep it in the report's figures."""
        data = figures.png_of(drawn)
        folder = self.out_dir / "report" / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{name}.png", lambda file: file.write(data))
        return {"alt": text, "data": f"data:image/png;base64,{base64.b64encode(data).decode()}"}

    @cached_property
    def bench(self) -> Bench:
        """The bench of memory."""
        return Bench(self.evidence)

    @cached_property
    def bench_pictures(self) -> list[dict[str, str]]:
        """The figure of the bench; empty without runs."""
        if self.bench.rows.empty:
            return []
        self._tell("drawing the bench")
        return [self._picture("bench", figures.beyond(self.bench.rows), "accuracy by length")]

    @cached_property
    def missing(self) -> list[tuple[int, int, str]]:
        """The commands whose runs are not all finished: how many are missing, of how many."""
        steps = plan(self.claims, quick=False).values()
        return [(missing, len(step.configs), step.command)
                for step in steps if (missing := step.missing(self.evidence))]  # fmt: skip

    @cached_property
    def warnings(self) -> dict[str, list[str]]:
        """Each warning of the claims' runs once, with the runs that have it."""
        return warnings_of(rows for f in self.findings.values() for rows in f.runs.values())

    @property
    def provenance(self) -> list[tuple[str, str, str, int]]:
        """Processor, device, version of torch and number of the runs."""
        if not self.evidence.rows:
            return []
        columns = ["cpu", "device", "torch"]
        table = self.evidence.table.reindex(columns=columns).fillna("")
        return [(*key, len(some)) for key, some in table.groupby(columns)]

    @property
    def networks(self) -> list[tuple[str, str]]:
        """The address, from the report's folder, and the name of each page of `lab play`."""
        links = []
        for page in sorted(self.out_dir.rglob("play*.html")):
            if (page.parent / "config.yaml").exists():  # else this file is not in a run folder
                address = quote(Path(os.path.relpath(page, self.out_dir / "report")).as_posix())
                other = page.stem.removeprefix("play").lstrip("-")
                links.append((address, " beside ".join(filter(None, [page.parent.name, other]))))
        return links


def warnings_of(tables: Iterable[pd.DataFrame]) -> dict[str, list[str]]:
    """Each warning once, with the runs that have it."""
    said: dict[str, dict[str, None]] = {}
    for rows in tables:
        for run, lines in zip(rows.get("run", ()), rows.get("warnings", ()), strict=False):
            for line in lines if isinstance(lines, list) else ():
                said.setdefault(line, {})[run] = None
    return {line: list(runs) for line, runs in said.items()}


def _wanted(case: Case) -> str:
    """How many seeds would decide a part."""
    if case.n < case.planned:
        return f"{case.planned} seeds are planned"
    if case.seeds_needed is None:
        return f"more than {intervals.MOST_SEEDS} seeds would be needed: the effect is at the bound"
    return f"about {max(case.seeds_needed, case.n + 1)} seeds would decide"


def _number(measured: Measured, value: float) -> str:
    text = f"{value:{measured.part.form}}" if measured.n else "–"
    return text.replace("%", " %").replace("-", "−") if "e" not in measured.part.form else text


def _interval(measured: Measured) -> str:
    ends = measured.case.interval()
    return "" if ends is None else " to ".join(_number(measured, end) for end in ends)
