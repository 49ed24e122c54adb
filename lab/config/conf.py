"""Where lab's own YAML files lie."""

from pathlib import Path

import lab

PACKAGED = Path(lab.__file__).parent / "conf"  # in an installed wheel
CONF = str(PACKAGED if PACKAGED.is_dir() else Path(lab.__file__).parents[1] / "conf")
