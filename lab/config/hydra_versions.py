"""What Hydra 1.3 and 1.4 ask for in different words."""

from typing import Any

import hydra
from omegaconf import OmegaConf

IS_13 = hydra.__version__.startswith("1.3.")
# Hydra 1.3 warns without it, Hydra 1.4 with it.
VERSION_BASE: dict[str, Any] = {"version_base": "1.3"} if IS_13 else {}
# The old name is deprecated; before Hydra 1.4 the new one was that of another function.
register_resolver: Any = OmegaConf.register_new_resolver if IS_13 else OmegaConf.register_resolver
