"""`penstock enable`: `tensorflow` means Penstock in a virtual environment."""

from __future__ import annotations

import importlib.metadata
import pathlib
import sys
import sysconfig
from collections.abc import Sequence

from penstock._src.bridge import tensorflow_alias
from penstock._src.bridge.cli.arguments import Parser, Refused

START = "penstock_as_tensorflow.pth"
DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tf-nightly")


def main(arguments: Sequence[str]) -> int:
    """Makes every program of this virtual environment find Penstock as TensorFlow."""
    Parser("penstock enable", main.__doc__).parse_args(arguments)
    if sys.prefix == sys.base_prefix:
        raise Refused(
            f"this Python ({sys.executable}) is not of a virtual environment, and other programs "
            "use it. Make one with `python -m venv`, or use `penstock run`."
        )
    real = real_tensorflow()
    if real:
        raise Refused(
            f"TensorFlow itself is installed here ({real}). Uninstall it first, or use `penstock run`."
        )
    place = start_file()
    place.write_text("import penstock._src.bridge.at_start as _s; _s.wait()\n", encoding="utf-8")
    print(f"`import tensorflow` means Penstock in {sys.prefix}. Undo with `penstock disable`.")
    return 0


def start_file() -> pathlib.Path:
    """Where the line stands that Python runs at its start."""
    return pathlib.Path(sysconfig.get_path("purelib")) / START


def real_tensorflow() -> str | None:
    """Name and version of an installed TensorFlow, or None."""
    for name in DISTRIBUTIONS:
        for found in importlib.metadata.distributions(name=name):
            if not isinstance(found, tensorflow_alias.Distribution):
                return f"{name} {found.version}"
    return None
