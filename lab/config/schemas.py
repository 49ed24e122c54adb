"""A JSON schema of each study's config, from which an editor completes and checks YAML files.

    python -m lab.config.schemas [FOLDER]      writes schemas/lstm.json, gan.json, …

The first line of a YAML file then names its schema:

    # yaml-language-server: $schema=../../schemas/lstm.json
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from lab.config.base import RunConfig
from lab.config.conf import CONF
from lab.config.errors import UserError


def schema_of(config_class: type[RunConfig], task: str) -> dict[str, Any]:
    """The schema of a study's config; every key may be left out, as a preset does.

    Args:
        task: the study's name on the command line, which titles the schema.
    """
    schema = TypeAdapter(config_class).json_schema()
    schema.pop("required", None)
    # Hydra's own keys of a YAML file, and the widths that presets choose by name.
    free: dict[str, Any] = {"defaults": {}, "hydra": {}, "_target_": {"type": "string"}, "size": {}}
    return {**schema, "title": f"task={task}", "properties": {**schema["properties"], **free}}


def write(folder: Path) -> list[Path]:
    """Write the schemas of the studies in conf/task; gives their paths.

    Raises:
        UserError: the folder cannot be written.
    """
    import yaml

    from lab.config.reading import config_class

    paths = []
    for file in sorted(Path(CONF, "task").glob("*.yaml")):
        target = yaml.safe_load(file.read_text(encoding="utf-8"))["_target_"]
        schema = schema_of(config_class(target), file.stem)
        path = folder / f"{file.stem}.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        paths.append(path)
    return paths


def main() -> None:
    """`python -m lab.config.schemas [FOLDER]`."""
    if len(sys.argv) > 2 or any(word.startswith("-") for word in sys.argv[1:]):
        sys.exit("usage: python -m lab.config.schemas [FOLDER]")
    try:
        for path in write(Path(*sys.argv[1:] or ["schemas"])):
            print(path)
    except UserError as error:
        sys.exit(f"lab: {error}")


if __name__ == "__main__":
    main()
