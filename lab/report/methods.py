"""Methods and provenance, read off the runs' own files."""

from typing import Any

import pandas as pd

from lab.config.components import build
from lab.config.errors import UserError
from lab.config.reading import from_file
from lab.report.evidence import Results


def models(results: Results) -> pd.DataFrame:
    """Every network that was trained: its weights with shapes, and how many numbers that is.

    The first run of each label and width; a GAN's discriminator is built anew from its config.
    """
    rows: list[dict[str, Any]] = []
    seen = set()
    for run in results.runs.to_dict("records"):
        config = from_file(results.folder(run["run"]).config_file)
        key = (
            run["task"],
            run.get("label"),
            run.get("hidden_size"),
            str(run.get("generator.widths")),
            str(run.get("discriminator.widths")),
            run.get("input"),
            run.get("generator_hidden"),
        )
        if key in seen:
            continue
        seen.add(key)
        name = _name(run)
        try:
            weights = {
                k: tuple(v.shape) for k, v in results.folder(run["run"]).load_weights().items()
            }
            parts = {"": weights}
            if run["task"] == "gan":
                component = vars(config)["discriminator"]
                d = {
                    k: tuple(p.shape)
                    for k, p in build("discriminator", component).named_parameters()
                }
                parts = {"G": weights, "D": d}
        except (OSError, UserError):
            continue
        for part, shapes in parts.items():
            trained = {
                k: s for k, s in shapes.items() if "running_" not in k and "num_batches" not in k
            }
            rows.append(
                {
                    "network": f"{name} {part}".strip(),
                    "parameters": sum(_size(shape) for shape in trained.values()),
                    "shapes": "; ".join(
                        f"{k} {'x'.join(map(str, shape)) or '1'}"
                        for k, shape in sorted(trained.items(), key=_by_layer)
                    ),
                }
            )
    return pd.DataFrame(rows).drop_duplicates() if rows else pd.DataFrame()


def _by_layer(item: tuple[str, Any]) -> list[tuple[int, str]]:
    """`layers.9` before `layers.10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in item[0].split(".")]


def _name(run: dict[str, Any]) -> str:
    if run["task"] == "lstm":
        return f"{run['label']}, H={run['hidden_size']:.0f}, {run['input']}".replace("_", "-")
    if run["task"] == "gan":
        return f"GAN, {run['label']}"
    return f"one-layer GANs, {run['label']}" if run["task"] == "one_layer_gan" else str(run["task"])


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def optimizers(results: Results) -> pd.DataFrame:
    """Each optimizer with its settings, and how many runs used it."""
    columns = [
        c
        for c in (
            "task",
            "optimizer._target_",
            "rule",
            "optimizer.lr",
            "lr",
            "discriminator_lr",
            "batch_size",
            "clip_norm",
            "lr_schedule",
        )
        if c in results.runs
    ]
    if results.runs.empty:
        return pd.DataFrame()
    runs = results.runs.assign(
        **{
            "optimizer._target_": results.runs.get(
                "optimizer._target_", pd.Series(dtype=str)
            ).str.rpartition(".")[2]
        }
        if "optimizer._target_" in results.runs
        else {}
    )
    return runs.groupby(columns, dropna=False).size().rename("runs").reset_index()


def provenance(results: Results) -> pd.DataFrame:
    """Versions, machine and commits of the runs: each with how many runs have it."""
    counts: dict[tuple[str, str], int] = {}
    for run in results.runs["run"] if len(results.runs) else ():
        origin = results.folder(run).provenance
        git = origin.get("git") or {}
        facts = {
            "python": origin.get("python"),
            "processor": origin.get("cpu"),
            "device": origin.get("device"),
            "threads": origin.get("threads"),
            "commit": str(git.get("commit"))[:8] + (" with changes" if git.get("dirty") else ""),
            **origin.get("versions", {}),
        }
        for fact, value in facts.items():
            if fact != "lab":
                counts[fact, str(value)] = counts.get((fact, str(value)), 0) + 1
    return pd.DataFrame([{"what": k, "value": v, "runs": n} for (k, v), n in counts.items()])


def times(results: Results) -> pd.DataFrame:
    """How long each study trained, in all and a run."""
    if results.runs.empty:
        return pd.DataFrame()
    rows = []
    for task, runs in results.runs.groupby("task"):
        origins = [results.folder(run).provenance for run in runs["run"]]
        ends = [str(o.get("end"))[:10] for o in origins if o.get("end")]
        rows.append(
            {
                "study": task,
                "runs": len(runs),
                "hours of one thread": round(float(runs.seconds.sum()) / 3600, 2),
                "median seconds a run": round(float(runs.seconds.median()), 1),
                "steps in all": f"{int(runs.steps.sum()):,}",
                "first and last day": " to ".join(dict.fromkeys((min(ends), max(ends))))
                if ends
                else "–",
            }
        )
    return pd.DataFrame(rows)
