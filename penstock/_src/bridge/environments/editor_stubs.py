"""Stubs of the names `tensorflow` and `keras` for editors and type checkers, which refer to Penstock's.

`penstock enable` writes them as packages of stubs (PEP 561), which type checkers and editors read in place of `tensorflow` and
`keras`: a module for each of Penstock's, with the same names, so that `tf.Tensor` is one class under all. Keras itself has no
annotations, and checkers infer types from default values: `strides=2` would be a mistake.
"""

from __future__ import annotations

import pathlib
import shutil

from penstock._src.bridge.names import python_paths

PACKAGE = pathlib.Path(__file__).resolve().parents[3]
NAMES = ("tensorflow", "keras")
# Names that `import *` leaves out.
HIDDEN = {
    "penstock": ("__internal__", "__operators__", "__version__"),
    "penstock.keras": ("__version__",),
}
# TensorFlow's private packages, for which there are no stubs.
PRIVATE = ("python", "core", "compiler")
ANYTHING = "from typing import Any\n\ndef __getattr__(name: str) -> Any: ...\n"


def alias_stubs(name: str, package: pathlib.Path = PACKAGE) -> dict[str, str]:
    """Returns {path: text} of the stubs of `tensorflow` or `keras`."""
    root = package if name == "tensorflow" else package / name
    stubs = {}
    for stub in sorted(root.rglob("__init__.pyi")):
        inside = stub.parent.relative_to(package)
        if inside.parts[:1] == ("_src",):
            continue
        source = ".".join(("penstock", *inside.parts))
        lines = [f"from {source} import *"]
        lines += [f"from {source} import {hidden} as {hidden}" for hidden in HIDDEN.get(source, ())]
        stubs[(stub.relative_to(root)).as_posix()] = "\n".join(lines) + "\n"
    if name == "tensorflow":
        stubs |= {f"{part}/__init__.pyi": ANYTHING for part in PRIVATE}
    return stubs


def files() -> dict[str, bytes]:
    """Returns the contents of all stubs, by their paths in the folder of packages."""
    contents: dict[str, bytes] = {}
    for name in NAMES:
        contents |= {f"{name}-stubs/{p}": t.encode() for p, t in alias_stubs(name).items()}
    # All that is said of private modules, such as `tensorflow.python.framework.ops`, is that they are there.
    for path in python_paths.packages():
        stub = f"tensorflow-stubs/{path.replace('.', '/')}/__init__.pyi"
        contents.setdefault(stub, ANYTHING.encode())
    for name in NAMES:
        # Private modules of Keras are looked up in the package itself.
        contents[f"{name}-stubs/py.typed"] = b"partial\n"
    return contents


def remove(folder: pathlib.Path) -> None:
    """Removes the stubs from a folder of packages."""
    for name in NAMES:
        shutil.rmtree(folder / f"{name}-stubs", ignore_errors=True)
