"""Keras's `.keras` files: a file itself, or a folder with one."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.specs import TensorSpec
from penstock._src.filesystems import files
from penstock._src.function.function import function
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.serving.servables.formats.functions import definition_of, signature_of_function
from penstock._src.serving.servables.servable import Servable
from penstock._src.util.slots import above

_ENDING = ".keras"


def matches(path: str) -> bool:
    """Whether a path is a `.keras` file, or a folder with one."""
    return _file(path) is not None


def size(path: str) -> int:
    """The bytes of the file."""
    return files.status(_file(path) or path).length


def load(path: str, allow: Iterable[str] = ()) -> Servable:
    """Returns the loaded model: its call without training, named as `model.export` names it.

    Raises:
      UnimplementedError: the model does not say what inputs it takes.
    """
    model = above("load_keras_model")(_file(path), "python" in allow)
    tensors = getattr(model, "inputs", None)
    if not tensors:
        raise UnimplementedError(
            f"{path}: {type(model).__name__} does not say what inputs it takes, as functional and sequential models do. "
            "Save it by `model.export(folder)` and serve that."
        )
    names = [tensor.name for tensor in tensors]
    specs = [TensorSpec(t.shape, t.dtype, t.name) for t in tensors]
    structure = getattr(model, "_inputs_struct", tensors[0] if len(tensors) == 1 else list(tensors))
    pack = importlib.import_module("keras.tree").pack_sequence_as

    def call(*given: Any) -> dict[str, Any]:
        return _named(model(pack(structure, given), training=False))

    traced = function(call, input_signature=specs, autograph=False).get_concrete_function()
    results = dict(traced.graph.structured_outputs)
    name = DEFAULT_SERVING_SIGNATURE_DEF_KEY
    signature = signature_of_function(name, traced, names, results)
    definitions = {name: definition_of(signature)}
    return Servable(path, "Keras", {name: signature}, definitions, (model, traced))


def _named(results: Any) -> dict[str, Any]:
    if isinstance(results, Mapping):
        return dict(results)
    if not isinstance(results, list | tuple):
        results = [results]
    return {f"output_{at}": value for at, value in enumerate(results)}


def _file(path: str) -> str | None:
    """The file of a path, or None."""
    if path.endswith(_ENDING) and files.is_file(path):
        return path
    if not files.is_folder(path):
        return None
    found = [name for name in files.names(path) if name.endswith(_ENDING)]
    return os.path.join(path, found[0]) if len(found) == 1 else None
