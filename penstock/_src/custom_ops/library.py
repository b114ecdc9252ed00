"""tf.load_op_library of a Python module: the ops that `penstock.op` makes in it."""

from __future__ import annotations

import errno
import importlib.util
import os
import pathlib
import sys
import types
from typing import Any

from penstock._src.core import errors
from penstock._src.custom_ops.decorator import CustomOp
from penstock._src.util.export import export


@export("load_op_library")
def load_op_library(library_filename: Any) -> types.ModuleType:
    r"""Loads a Python module that defines ops by `penstock.op`; returns them as a namespace.

    The module is imported under the name of its file, so that models which hold its ops find them. Libraries of compiled C++ ops depend on
    TensorFlow's runtime and cannot be loaded.

    Args:
      library_filename: the path of a `.py` file, or of a package's folder.

    Returns:
      A namespace with the module's ops; `OP_LIST` has their names in graphs.

    Raises:
      NotFoundError: there is no such file, it is a compiled library, or another module has its name.
      InvalidArgumentError: the module defines no op.

    >>> with open("my_ops.py", "w") as file:
    ...     print("import penstock as tf\n\n@tf.op\ndef double(x):\n    return 2 * x", file=file)
    >>> tf.load_op_library("my_ops.py").double(tf.constant(3)).numpy()
    np.int32(6)
    """
    path = pathlib.Path(os.fsdecode(library_filename)).resolve()
    if not path.exists():
        raise errors.NotFoundError(None, None, f"{library_filename}: there is no such file.")
    if path.suffix != ".py" and not (path / "__init__.py").is_file():
        raise errors.NotFoundError(
            None,
            None,
            f"{library_filename}: Penstock cannot load libraries of compiled ops.",
        )
    module = _imported(path)
    ops = {name: value for name, value in vars(module).items() if _described(value)}
    if not ops:
        raise errors.InvalidArgumentError(
            f"{library_filename}: the module defines no op by `penstock.op`."
        )
    library = types.ModuleType(module.__name__, module.__doc__)
    vars(library).update(ops, OP_LIST=sorted(_described(value).name for value in ops.values()))
    library.__file__ = str(path)
    return library


def _described(value: Any) -> Any:
    described = getattr(value, "__penstock_op__", None)
    return described if isinstance(described, CustomOp) else None


def _imported(path: pathlib.Path) -> types.ModuleType:
    """The module of a file, which is imported once."""
    file = path / "__init__.py" if path.is_dir() else path
    name = path.stem
    known = sys.modules.get(name)
    if known is not None:
        if (
            getattr(known, "__file__", None)
            and pathlib.Path(known.__file__ or "").resolve() == file
        ):
            return known
        raise errors.NotFoundError(
            None, None, f"{path}: another module called {name!r} is loaded, from {known.__file__}."
        )
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise errors.NotFoundError(None, None, f"{path}: Python cannot import it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@export("load_library", v1=["load_library"])
def load_library(library_location: Any) -> None:
    """Loads a library of ops, or each one in a folder; see `tf.load_op_library`.

    Args:
      library_location: the path of a `.py` file, or of a folder of them.

    Raises:
      FileNotFoundError: there is no such file or folder.
      NotFoundError: it holds none.
    """
    path = pathlib.Path(os.fsdecode(library_location))
    if not path.exists():
        # Python's error, not that of `load_op_library`, as in TensorFlow.
        raise FileNotFoundError(
            errno.ENOENT,
            "The file or folder to load libraries of ops from does not exist",
            str(path),
        )
    if not path.is_dir() or (path / "__init__.py").is_file():
        load_op_library(path)
        return
    files = sorted(path.glob("*.py"))
    if not files:
        raise errors.NotFoundError(None, None, f"{library_location}: there is no library of ops.")
    for file in files:
        load_op_library(file)


@export(v1=["load_file_system_library"])
def load_file_system_library(library_filename: Any) -> None:
    """Not supported: file system libraries depend on TensorFlow's runtime.

    Args:
      library_filename: the path of the library.

    Raises:
      NotFoundError: always.
    """
    raise errors.NotFoundError(
        None, None, f"{library_filename}: Penstock cannot load file system libraries."
    )
