"""Writes the table of TensorFlow's names of our classes, `penstock/_src/bridge/names/identities.txt`.

Two interpreters take part: one with TensorFlow 2.21 lists the classes of its modules, and ours finds out which of them are classes of ours:

    build/peers/tensorflow/bin/python tools/gen_identities.py classes > build/classes.txt
    python tools/gen_identities.py table build/classes.txt > penstock/_src/bridge/names/identities.txt

A class of ours may stand for several of TensorFlow's. It bears the name that `CHOSEN` says, else its own name, else the shortest; protocols
(`python.types`) come last.
"""

from __future__ import annotations

import collections
import importlib
import os
import pathlib
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
OURS = "penstock._src."
# What TensorFlow's instances are, where the class of ours stands for a base class, too.
CHOSEN = {
    "python.framework.ops:EagerTensor",
    "python.framework.ops:SymbolicTensor",
    "python.framework.tensor:Tensor",
    "python.framework.device_spec:DeviceSpecV2",
    "python.framework.ops:name_scope_v2",
    "python.ops.resource_variable_ops:ResourceVariable",
    "python.ops.variables:VariableAggregationV2",
    "python.ops.variable_v1:VariableV1",
}


def classes() -> list[str]:
    """Lists TensorFlow's classes as `python.framework.dtypes:DType`."""
    from tools import gen_private_paths

    for package in gen_private_paths.PACKAGES:
        gen_private_paths.import_all(importlib.import_module(package))
    return sorted(
        f"{module.partition('.')[2]}:{name}"
        for module, held in sys.modules.items()
        if module.startswith(gen_private_paths.PACKAGES) and held is not None
        for name, value in vars(held).items()
        if isinstance(value, type) and (value.__module__, value.__qualname__) == (module, name)
    )


def table(listed: list[str]) -> dict[str, dict[str, str]]:
    """Maps our modules to their classes, and these to the chosen one of TensorFlow's."""
    import penstock

    penstock.install_as_tensorflow()
    places: dict[type, list[str]] = collections.defaultdict(list)
    for place in listed:
        found = _resolve(place)
        if isinstance(found, type):
            places[found].append(place)
    homes: dict[Any, tuple[str, str]] = {
        value: (module.removeprefix(OURS), value.__name__)
        for module, held in sorted(sys.modules.items())
        if module.startswith(OURS)
        for name, value in vars(held).items()
        if isinstance(value, type) and name == value.__name__ and value in places
        if module in (_home(value), "penstock._src.core.errors")
    }
    rows: dict[str, dict[str, str]] = collections.defaultdict(dict)
    for cls, (module, name) in homes.items():
        rows[module][name] = min(places[cls], key=lambda place: _rank(place, name))
    return rows


def _resolve(place: str) -> Any:
    path, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(f"tensorflow.{path}"), name)
    except (ImportError, AttributeError):
        return None


def _home(cls: type) -> str:
    from penstock._src.bridge.names import identities

    return identities.home_of(cls) or ""


def _rank(place: str, name: str) -> tuple:
    other = place.rpartition(":")[2] != name
    return (place not in CHOSEN, place.startswith("python.types."), other, len(place), place)


def _group(name: str, place: str) -> str:
    path, _, known = place.partition(":")
    return f"{name}={path}" + (f":{known}" if known != name else "")


def main() -> None:
    """Prints the classes or the table."""
    if sys.argv[1] == "classes":
        print("\n".join(classes()))
        return
    rows = table(pathlib.Path(sys.argv[2]).read_text().split())
    for module, row in sorted(rows.items()):
        print(module, *(_group(*item) for item in sorted(row.items())))


if __name__ == "__main__":
    main()
