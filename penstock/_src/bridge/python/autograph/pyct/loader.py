"""Generated code as modules: `tensorflow.python.autograph.pyct.loader`."""

from __future__ import annotations

import atexit
import importlib.util
import os
import sys
import tempfile
import types
from typing import Any

from penstock._src.bridge.python.autograph.pyct import origin_info, parser


def load_source(source: str, delete_on_exit: bool) -> tuple[types.ModuleType, str]:
    """Returns the module of a source, and the file in which it stands.

    Args:
      source: the text.
      delete_on_exit: whether the file goes when the program ends.
    """
    with tempfile.NamedTemporaryFile(
        mode="w", suffix=".py", prefix="__autograph_generated_file", delete=False, encoding="utf-8"
    ) as file:
        file.write(source)
    name = os.path.basename(file.name[: -len(".py")])
    if delete_on_exit:
        atexit.register(_remove, file.name)
    spec = importlib.util.spec_from_file_location(name, file.name)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module can be made of {file.name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return module, file.name


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)


def load_ast(
    nodes: Any,
    indentation: str = "  ",
    include_source_map: bool = False,
    delete_on_exit: bool = True,
) -> tuple[types.ModuleType, str, dict[Any, Any] | None]:
    """Returns the module of a tree or a list of trees, its source, and the origins of its lines if requested."""
    source = parser.unparse(nodes, indentation=indentation)
    module, path = load_source(source, delete_on_exit)
    if not include_source_map:
        return module, source, None
    return module, source, origin_info.create_source_map(nodes, source, path)
