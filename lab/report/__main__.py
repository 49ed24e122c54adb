"""The report: every claim of the sources with its verdict, as a notebook and as a page.

    python -m lab.report                     report/report.ipynb and .html in outputs/
    python -m lab.report OUT                 of the runs below another outputs folder
    python -m lab.report outputs docs=docs   the page and README's pictures are copied there too

It works on whatever runs there are, and lists what has not been run.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.config.errors import UserError

README_PICTURES = ("accuracy_vs_length", "gan_samples", "gan_walk")
USAGE = "expected an outputs folder, and docs=FOLDER to copy the page and README's pictures to"


def main() -> None:
    """`python -m lab.report [OUT] [docs=FOLDER]`."""
    try:
        out_dir, docs = _parse(sys.argv[1:])
        from lab.report.notebook import make

        for path in make(out_dir):
            print(path)
        if docs is not None:
            for path in _copy(out_dir / "report", docs):
                print(path)
    except UserError as error:
        sys.exit(f"lab: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parse(words: Sequence[str]) -> tuple[Path, Path | None]:
    out_dir, docs = None, None
    for word in words:
        key, equals, value = word.partition("=")
        if key == "docs" and equals and value:
            docs = Path(value)
        elif out_dir is None and not word.startswith("-") and (not equals or Path(word).is_dir()):
            out_dir = Path(word)
        else:
            raise UserError(f"{word}: {USAGE}")
    out_dir = out_dir or Path("outputs")
    if not out_dir.is_dir():
        raise UserError(f"{out_dir}: no such folder; {USAGE}")
    return out_dir, docs


def _copy(report: Path, docs: Path) -> list[Path]:
    docs.mkdir(parents=True, exist_ok=True)
    copied = [Path(shutil.copyfile(report / "report.html", docs / "report.html"))]
    for name in README_PICTURES:
        source = report / "figures" / f"{name}.png"
        if source.exists():
            copied.append(Path(shutil.copyfile(source, docs / source.name)))
    return copied


if __name__ == "__main__":
    main()
