"""Looks up names of TensorFlow in an environment where Penstock replaces it, and in TensorFlow itself."""

from __future__ import annotations

import importlib
import json
import subprocess
import types
from collections.abc import Sequence
from typing import Any

from penstock._src.bridge import tensorflow_alias
from penstock._src.bridge.cli.arguments import Refused

# Run by another interpreter: the names of standard input that it has, by the same walk as `is_found`.
_PROGRAM = """
import importlib, json, sys, types
def is_found(name):
    module, *rest = name.split(".")
    held = importlib.import_module(module)
    for attribute in rest:
        module = f"{module}.{attribute}"
        try:
            held = getattr(held, attribute)
        except Exception:
            if not isinstance(held, types.ModuleType): return True
            try: held = importlib.import_module(module)
            except Exception: return False
        if not isinstance(held, types.ModuleType) and not hasattr(held, "__path__"): return True
    return True
print("\\n" + json.dumps([name for name in json.load(sys.stdin) if is_found(name)]))
"""


def missing(names: Sequence[str]) -> list[str]:
    """Returns the names that lead to nothing in Penstock; of a name and others below it, only the first.

    Args:
      names: sorted, each beginning with `tensorflow`.
    """
    tensorflow_alias.install()
    missing_names: list[str] = []
    for name in names:
        if not is_found(name) and not (missing_names and name.startswith(missing_names[-1] + ".")):
            missing_names.append(name)
    return missing_names


def is_found(name: str) -> bool:
    """True if a full name resolves through modules; attributes of other objects are not checked."""
    module, *rest = name.split(".")
    target: Any = importlib.import_module(module)
    for attribute in rest:
        module = f"{module}.{attribute}"
        try:
            target = getattr(target, attribute)
        except (AttributeError, ImportError):
            try:
                target = importlib.import_module(module)
            except ImportError:
                return False
        if not isinstance(target, types.ModuleType):
            return True
    return True


def known_to(python: str, names: Sequence[str]) -> list[str]:
    """Returns those of the names that another interpreter's TensorFlow has.

    Raises:
      Refused: it has no TensorFlow.
    """
    try:
        done = subprocess.run(
            [python, "-c", _PROGRAM], input=json.dumps(list(names)), capture_output=True, text=True
        )
    except OSError as error:
        raise Refused(f"{python} cannot be run: {error}") from error
    if done.returncode:
        raise Refused(f"{python} has no TensorFlow: {done.stderr.strip().splitlines()[-1]}")
    return list(json.loads(done.stdout.splitlines()[-1]))
