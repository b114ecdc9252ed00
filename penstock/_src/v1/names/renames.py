"""Names in TensorFlow 2 of TensorFlow 1's symbols, from the tables of both: `tensorflow.tools.compatibility`."""

from __future__ import annotations

import importlib
import pathlib

from penstock._src.util.lazy import parse_table

_ROOT = pathlib.Path(__file__).resolve().parents[3]

Target = tuple[str, str]


def _names_of_v2() -> dict[str, Target]:
    """{public name without `tf.`: where it is defined}."""
    targets = {}
    for file in _ROOT.glob("**/__init__.py"):
        parts = file.parent.relative_to(_ROOT).parts
        if parts and (parts[0].startswith("_") or parts[0] == "compat"):
            continue
        package = importlib.import_module(".".join(("penstock", *parts)))
        table = parse_table(getattr(package, "_NAMES", {}))
        targets.update({".".join((*parts, name)): target for name, target in table.items()})
    return targets


def _renames() -> dict[str, str]:
    new = _names_of_v2()
    called: dict[Target, str] = {}
    for name, target in sorted(new.items(), key=lambda item: (item[0].count("."), item[0])):
        called.setdefault(target, name)
    renames = {}
    for line in (_ROOT / "_names_v1.txt").read_text(encoding="utf-8").splitlines():
        module, attribute, *paths = line.split()
        # A function that only differs in its parameters keeps one of its names.
        kept = next((path for path in paths if path in new), None)
        for path in paths:
            if new.get(path) != (module, attribute):
                same = called.get((module, attribute)) or (kept if path not in new else None)
                renames[f"tf.{path}"] = f"tf.{same or f'compat.v1.{path}'}"
    return renames


symbol_renames = _renames()
