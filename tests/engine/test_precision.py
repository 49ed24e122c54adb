"""In which precision a run multiplies."""

import pytest

from lab.engine import process
from lab.engine.process import resolve_precision


@pytest.mark.parametrize(
    ("flags", "used"),
    [
        ({"fma", "avx2", "avx512f"}, "fp32"),
        ({"fma", "avx512_bf16"}, "bf16"),
        ({"amx_bf16"}, "bf16"),
        (set(), "fp32"),
    ],
)
def test_auto_is_bf16_only_on_a_processor_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: set[str],
    used: str,
) -> None:
    monkeypatch.setattr(process, "cpu_flags", lambda: flags)
    assert resolve_precision("auto", "cpu") == used
    assert resolve_precision("fp32", "cpu") == resolve_precision("auto", "mps") == "fp32"
    assert capsys.readouterr().err == ""
    assert resolve_precision("bf16", "cpu") == "bf16"
    warned = capsys.readouterr().err.splitlines()
    assert len(warned) == (used == "fp32")
    assert all(line.startswith("lab: precision=bf16: this cpu is not known") for line in warned)
