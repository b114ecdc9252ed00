"""Numbered files of the result of each stage, in the folder PENSTOCK_DUMP."""

import itertools
from pathlib import Path
from typing import Any

from penstock._src.util.flags import flags

_NUMBERS = itertools.count()


def write(function: str, stage: str, result: Any) -> Path:
    """Writes the result of a stage for a function as text; returns the file."""
    folder = Path(flags.dump)
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() else "_" for c in function)
    path = folder / f"{next(_NUMBERS):04d}_{name}_{stage.replace(' ', '_')}.txt"
    path.write_text(str(result) + "\n")
    return path
