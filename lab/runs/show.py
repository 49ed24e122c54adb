"""Show what is known of one run: `lab show RUN`."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from lab.config.errors import UserError
from lab.config.wording import aligned, in_table
from lab.engine.run_folder import RunFolder
from lab.runs.arguments import add_run, chosen_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)


def run(args: argparse.Namespace) -> None:
    for line in show(chosen_run(args)):
        print(line)


def show(run: RunFolder) -> list[str]:
    """Return the lines that describe a run, from as many of its files as can be read."""
    from lab.config.reading import from_file
    from lab.engine import study
    from lab.runs.table import numbers

    about = {"folder": str(run.path), **_state(run), **_origin(run)}
    values, settings = numbers(run), dict[str, Any]()
    entries = [("", key, in_table(value, digits=6)) for key, value in values.items()]
    try:
        config = from_file(run.config_file)
        settings = config.flat_settings
        del settings["_target_"]
        entries = [
            study.readable(config, key, value)
            for key, value in values.items()
            if value is not None and (key not in settings or value != settings[key])
        ]
        if run.result is not None:
            about["result"] = study.headline(config, run.result)
    except UserError as error:
        about["config"] = "none, the run ended before it began" if run.never_began else str(error)
    except KeyError as error:  # another version of the code wrote result.json
        about["result"] = f"result.json has no {error}"
    lines = [run.path.name, *_pairs(about)]
    if entries:
        kind, file = ("results", "result.json") if run.result else ("logged so far", "metrics.csv")
        head = (kind, f"name in {file}", "")
        rows = [(f"  {name}", key, value) for name, key, value in entries]
        lines += ["", *aligned([head, *rows], left=(0, 1, 2))]
    warned = (run.result or {}).get("warnings")
    if warned:
        lines += ["", "warnings", *(f"  {line}" for line in warned)]
    if settings:
        unset = ", ".join(key for key, value in settings.items() if value is None)
        settings = {key: value for key, value in settings.items() if value is not None}
        lines += ["", "settings", *_pairs({**settings, **({"not set": unset} if unset else {})})]
    figures = sorted(path for path in run.path.glob("figures/*") if path.is_file())
    if figures:
        lines += ["", "figures", *(f"  {path}" for path in figures)]
    if run.notes():
        lines += ["", "notes", *(f"  {line}" for line in run.notes())]
    return lines


def _state(run: RunFolder) -> dict[str, str]:
    from lab.runs.list import age

    status = str(run.status or "not begun")
    moment = run.provenance.get("end") or run.provenance.get("start")
    if moment:
        status += f"; {'ended' if run.provenance.get('end') else 'begun'} {age(moment)} ago"
    state = {"status": status}
    if run.status == "failed":
        state["reason"] = run.last_log_line()
    if damaged := run.unreadable():
        state["damaged"] = f"{', '.join(damaged)} cannot be read as text"
    return state


def _origin(run: RunFolder) -> dict[str, str]:
    """Return where the run was made, from provenance.json."""
    origin = run.provenance
    versions, git = origin.get("versions") or {}, origin.get("git") or {}
    commit = str(git.get("commit") or "")[:8] + (" with changes" if git.get("dirty") else "")
    commit = commit or (f"unknown ({git['reason']})" if "reason" in git else "")
    threads = origin.get("threads")
    facts = {
        "command": origin.get("command"),
        "device": origin.get("device"),
        "threads": None if threads is None else str(threads),
        "commit": commit,
        "torch": versions.get("torch"),
    }
    return {name: str(word) for name, word in facts.items() if word}


def _pairs(values: Mapping[str, Any]) -> Iterable[str]:
    width = max(map(len, values))
    return [f"  {name:{width}}  {in_table(value, digits=6)}" for name, value in values.items()]
