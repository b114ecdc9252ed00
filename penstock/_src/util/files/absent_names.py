"""Messages about public names that TensorFlow 2 lacks; they say where TensorFlow 1's names are now."""

from __future__ import annotations

import functools
import importlib
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Namespaces that no part of TensorFlow 2.21 has.
REMOVED = {
    "contrib": "TensorFlow 2.0 removed tf.contrib: most of it lives on in packages such as tf-slim",
    "estimator": "TensorFlow 2.16 removed tf.estimator: Keras's models train with fit",
}


def message(module: str, attribute: str) -> str:
    """Returns what an AttributeError says about a name that a module of `penstock` lacks."""
    plain = f"module {module!r} has no attribute {attribute!r}"
    root, _, below = module.partition(".")
    if attribute.startswith("_") or below.split(".")[0] in ("_src", "compat"):
        return plain
    hint = _hint(f"{below}.{attribute}" if below else attribute)
    return f"{plain}: {hint}." if hint else plain


@functools.lru_cache(maxsize=256)
def _hint(path: str) -> str:
    if path in REMOVED:
        return REMOVED[path]
    paths, namespaces = _names_of_v1()
    if path in namespaces:
        return f"TensorFlow 1's is tf.compat.v1.{path}"
    same = [other for other in paths.get(path, ()) if other != path and _is_in_v2(other)]
    if same:
        return f"TensorFlow 2 calls it tf.{min(same, key=len)}"
    return f"TensorFlow 1's is tf.compat.v1.{path}" if path in paths else ""


@functools.cache
def _names_of_v1() -> tuple[dict[str, list[str]], set[str]]:
    """{name below tf.compat.v1: all names of the same symbol}, and the namespaces there."""
    paths: dict[str, list[str]] = {}
    for line in (ROOT / "_names_v1.txt").read_text(encoding="utf-8").splitlines():
        _, _, *same = line.split()
        paths.update(dict.fromkeys(same, same))
    return paths, {path.rpartition(".")[0] for path in paths} - {""}


def _is_in_v2(path: str) -> bool:
    below, _, name = path.rpartition(".")
    try:
        package = importlib.import_module(".".join(filter(None, ("penstock", below))))
    except ModuleNotFoundError:
        # A namespace of TensorFlow 1 alone.
        return False
    words = " ".join(getattr(package, "_NAMES", {}).values()).split()
    return any(word.partition("=")[0] == name for word in words)
