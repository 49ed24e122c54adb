"""Finished runs that were never trained: the config of real words, a result and curves made up."""

from pathlib import Path
from typing import Any

from lab.cli import compose_config
from lab.engine.files import write_text
from lab.engine.run_folder import RunFolder

QUALITY = {
    "n": 5000, "fid": 20.0, "fid_bias": 0.1, "precision": 0.8, "recall": 0.4, "classes": 10,
    "real_fid": 0.14, "real_precision": 0.93, "real_recall": 0.95,
}  # fmt: skip
PLAYERS = {"d_loss": 0.5, "g_loss": 1.0, "d_auc": 0.9}
GAN_CURVE = {
    "d_loss": 0.5,
    "g_loss": 1.0,
    "d_accuracy": 0.8,
    "d_fake": 0.3,
    "fid": 20.0,
    "clear": 0.6,
}
CURVE = {"train_loss": 0.1, "train_accuracy": 1.0, "val_loss": 0.1, "val_accuracy": 1.0}


def fake_run(
    out: Path,
    *words: str,
    curves: dict[str, list[float]] | None = None,
    **result: Any,
) -> RunFolder:
    """Write the folder of a finished run of these words, with the result's keys given.

    Args:
        curves: of metrics.csv, over what all such runs have; all of equal length.
    """
    config = compose_config(*words, f"out_dir={out}")
    folder = RunFolder(config.run_dir)
    folder.path.mkdir(parents=True)
    folder.save_config(config.to_dict())
    folder.save_provenance({"device": "cpu", "git": None, "end": "2026-01-01T00:00:00+00:00"})
    steps = result.pop("steps", 1000)
    default = GAN_CURVE if config.task == "gan" else CURVE
    columns = {name: [value] * 20 for name, value in default.items()} | (curves or {})
    count = max(len(values) for values in (curves or columns).values())
    columns = {name: (values * count)[:count] for name, values in columns.items()}
    columns = {"step": [steps * (i + 1) / count for i in range(count)], **columns}
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    write_text(folder.metrics_file, "\n".join(lines) + "\n")
    common = {"task": config.task, "seed": config.seed, "steps": steps, "seconds": 1.0}
    if config.task == "gan":
        quality = {name: result.pop(name, value) for name, value in QUALITY.items()}
        common |= {
            "label": getattr(config, "label", ""), "epochs": 200.0, "parameters": 10,
            "players": PLAYERS, "quality": quality,
        }  # fmt: skip
    elif config.task == "lstm":
        accuracy = result.pop("accuracy", 1.0)
        common |= {
            "cell": getattr(config, "cell_name", ""), "label": getattr(config, "label", ""),
            "parameters": 10, "seq_len": getattr(config, "seq_len", 0),
            "val_accuracy": accuracy, "val_count": 200, "test_accuracy": None, "test_count": None,
        }  # fmt: skip
    folder.save_result({**common, **result})
    return folder
