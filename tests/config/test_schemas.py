"""The JSON schemas know the keys that the configs know."""

import json
from pathlib import Path

from tests.command_line import run_lab


def test_each_study_has_a_schema_with_its_keys_and_bounds(tmp_path: Path) -> None:
    done = run_lab("out", cwd=tmp_path, module="lab.config.schemas")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["out/gan.json", "out/lstm.json", "out/one_layer_gan.json"]
    schema = json.loads((tmp_path / "out/lstm.json").read_text())
    assert schema["properties"]["seq_len"]["minimum"] == 3
    assert "constant" in schema["properties"]["lr_schedule"]["enum"]
    assert schema["additionalProperties"] is False
    assert "required" not in schema
