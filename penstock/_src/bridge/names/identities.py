"""TensorFlow's names of our classes: `type(tf.constant(1.0)).__module__` is `tensorflow.python.framework.ops`.

Libraries dispatch on a class's `__module__` without importing anything, so while Penstock is `tensorflow` its classes bear
TensorFlow's `__module__` and `__qualname__`. `identities.txt`, which `tools/gen_identities.py` generates, has a line for each module
of ours below `penstock._src`: `core.dtypes DType=python.framework.dtypes` says that the class `DType` of `core.dtypes` is
`tensorflow.python.framework.dtypes.DType`; `PartitionInfo=python.ops.variable_scope:_PartitionInfo` has another name there.

A class is renamed when its module has been loaded, by a finder: nothing is loaded in order to be renamed. The new name leads back to the class
(`private_modules.py`), so pickles and copies name it, too; the code, and therefore every frame of a traceback, stays where it is.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
import threading
import types
import typing
from typing import Any

from .python_paths import FOLDER

OURS = "penstock._src."
THEIRS = "tensorflow."
# The modules of ours that define the classes that have been renamed.
HOMES: dict[type, str] = {}


class _Naming(threading.local):
    """The number of classes that this thread is renaming: modules of TensorFlow that it imports meanwhile are only named, and load nothing."""

    depth = 0


NAMING = _Naming()
# Modules that were being loaded when the finder was installed.
_HALF_LOADED: list[types.ModuleType] = []


def home_of(definition: Any) -> str | None:
    """Returns the name of the module of ours that defines a function or class."""
    renamed = HOMES.get(definition) if isinstance(definition, type) else None
    return renamed or getattr(definition, "__module__", None)


@functools.cache
def table() -> dict[str, dict[str, tuple[str, str]]]:
    """Maps each module of ours to its classes, and these to their module and name in TensorFlow."""
    names_of: dict[str, dict[str, tuple[str, str]]] = {}
    for line in (FOLDER / "identities.txt").read_text(encoding="utf-8").splitlines():
        module, *classes = line.split()
        row = names_of[OURS + module] = {}
        for group in classes:
            name, _, place = group.partition("=")
            path, _, other = place.partition(":")
            row[name] = (THEIRS + path, other or name)
    return names_of


def rename(module: types.ModuleType) -> None:
    """Gives the classes of a module of ours, which has been loaded, TensorFlow's names."""
    for name, (place, known) in table()[module.__name__].items():
        cls = vars(module)[name]
        _keep_annotations(cls, module.__name__)
        HOMES[cls] = module.__name__
        cls.__module__, cls.__qualname__ = place, known
        # pickling by reference searches for the module among those that are loaded
        NAMING.depth += 1
        try:
            home = importlib.import_module(place)
        finally:
            NAMING.depth -= 1
        # legacy Keras reads classes of a type's module from `vars(module)`
        vars(home).setdefault(known, cls)


def _keep_annotations(cls: type, module: str) -> None:
    """Has annotations that are text evaluated where they were written."""
    annotations = cls.__dict__.get("__annotations__", {})
    if "__annotate_func__" in cls.__dict__ and hasattr(cls, "_fields"):  # a named tuple since 3.14
        import annotationlib  # older versions of Python have none

        forward = annotationlib.Format.FORWARDREF
        cls.__annotations__ = annotations = annotationlib.get_annotations(cls, format=forward)
    for name, annotation in annotations.items():
        text = getattr(annotation, "__forward_arg__", annotation)
        if isinstance(text, str):
            annotations[name] = typing.ForwardRef(text, module=module, is_class=True)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of ours whose classes have names in TensorFlow."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Returns a spec whose loader renames the classes afterwards, or None for other modules."""
        _rename_half_loaded()
        if not fullname.startswith(OURS) or fullname not in table():
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Renaming(spec.loader)
        return spec


class _Renaming(importlib.abc.Loader):
    """Loads a module as another loader does, which is the module's loader from then on."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def create_module(self, spec: Any) -> types.ModuleType | None:
        return self.inner.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.inner
        self.inner.exec_module(module)
        rename(module)


def install() -> None:
    """Renames the classes that are loaded, and those of modules that will be."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, Finder())
    _HALF_LOADED.extend(sys.modules[name] for name in table() if name in sys.modules)
    _rename_half_loaded()


def _rename_half_loaded() -> None:
    """Renames the classes of modules that have been loaded in the meantime."""
    if NAMING.depth:  # renaming imports modules, which brings us here again
        return
    # One by one: an import that fails leaves the others for the next time.
    for module in [m for m in _HALF_LOADED if not _is_loading(m)]:
        try:
            _HALF_LOADED.remove(module)
        except ValueError:  # renamed in the meantime
            continue
        rename(module)


def _is_loading(module: types.ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))
