"""The wheel carries conf/, and runs without the checkout."""

import os
import subprocess
import sys
import zipfile

from tests.command_line import ROOT


def test_a_wheel_carries_the_configs_and_runs(tmp_path):
    # Built with what the test environment has, so that no network is needed.
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    words = [sys.executable, "-c", build, str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        names = wheel.namelist()
        wheel.extractall(tmp_path / "site")
    for path in (ROOT / "conf").rglob("*.yaml"):
        assert f"lab/conf/{path.relative_to(ROOT / 'conf')}" in names
    for path in (ROOT / "lab/play/web").iterdir():  # the parts of the pages of `lab play`
        assert f"lab/play/web/{path.name}" in names
    code = (
        "import sys, lab.cli\n"
        "assert lab.cli.CONF.startswith(sys.argv.pop()), lab.cli.CONF\n"
        "lab.cli.main()"
    )
    words = [sys.executable, "-c", code, "seq_len=3", "dry_run=true", str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("run ")
