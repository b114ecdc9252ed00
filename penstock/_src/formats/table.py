"""The formats of models: a row each, and how one is found for a path."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnimplementedError,
)
from penstock._src.filesystems import files
from penstock._src.formats.model import Model
from penstock._src.formats.weights.converting import converted
from penstock._src.formats.weights.packing import PACKERS
from penstock._src.formats.weights.stored import Weights


@dataclass(frozen=True)
class Format:
    """A format of models.

    Attributes:
      name: as commands take it.
      title: as messages say it.
      suffixes: the ends of its files' names.
      holds: names of files; a folder of this format has one of them.
      reader: `module:function` in this folder: `read(path, **options)` returns a Model; empty if it is not read.
      writer: the same of `write(model, path, **options)`; empty if it is not written.
      recognizer: `module:function` in this folder that says of a file of any name whether it is one; empty if names say it.
      quantizations: how its writer can store weights, its argument `quantize`.
      weights_reader: the same of `read(path)`, which returns Weights, of a format of weights and facts instead of functions.
      weights_writer: the same of `write(weights, path)`.
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    reader: str = ""
    writer: str = ""
    recognizer: str = ""
    quantizations: tuple[str, ...] = ()
    weights_reader: str = ""
    weights_writer: str = ""

    def matches(self, path: str) -> bool:
        """True if a file or folder is of this format, by its name or its content."""
        if files.is_folder(path):
            if any(files.is_file(os.path.join(path, name)) for name in self.holds):
                return True
        elif path.endswith(self.suffixes) or (self.has_name_of(path) and not self.recognizer):
            return True
        return bool(self.recognizer) and self._function(self.recognizer, "recognized")(path)

    def has_name_of(self, path: str) -> bool:
        """True if a file is called as one of this format's folders is."""
        return os.path.basename(path) in self.holds

    def read(self, path: str, **options: Any) -> Model:
        """Returns the model of a file or folder.

        Args:
          path: the file or folder.
          **options: the format's own.

        Raises:
          UnimplementedError: the format is not read.
          OpError: the file is missing or damaged; the message names it.
        """
        return self._read(self.reader, path, options)

    def read_weights(self, path: str) -> Weights:
        """Returns the weights of a file or folder.

        Raises:
          UnimplementedError: the format is one of functions.
          OpError: the file is missing or damaged; the message names it.
        """
        return self._read(self.weights_reader, path, {})

    def _read(self, place: str, path: str, options: Mapping[str, Any]) -> Any:
        reader = self._function(place, "read")
        try:
            return reader(path, **options)
        except (OpError, ValueError) as error:
            if path in str(error):
                raise
            kind = type(error) if isinstance(error, OpError) else DataLossError
            raise kind(f"{path}: {error}") from error

    def write(self, model: Model, path: str, **options: Any) -> None:
        """Writes a model; it appears whole or not at all.

        Args:
          model: the model.
          path: the file or folder to make.
          **options: the format's own.

        Raises:
          UnimplementedError: the format is not written, or has no counterpart of an operation.
        """
        if self.weights_writer and not self.writer:
            raise UnimplementedError(
                f"{self.title} is not written from functions, only from files of weights."
            )
        self._function(self.writer, "written")(model, path, **options)

    def write_weights(self, weights: Weights, path: str) -> None:
        """Writes weights; each file appears whole or not at all.

        Raises:
          UnimplementedError: the format is one of functions.
        """
        self._function(self.weights_writer, "written from weights")(weights, path)

    def _function(self, place: str, what: str) -> Callable[..., Any]:
        if not place:
            raise UnimplementedError(f"{self.title} cannot be {what}.")
        module, _, function = place.partition(":")
        return getattr(importlib.import_module(f"{__package__}.{module}"), function)


_ALL = (
    Format(
        "saved-model",
        "SavedModel",
        holds=("saved_model.pb", "saved_model.pbtxt"),
        reader="saved_model.reading:read",
        writer="saved_model.writing:write",
    ),
    Format("keras", "Keras", (".keras", ".h5", ".hdf5"), reader="keras.reading:read"),
    Format(
        "tfjs",
        "TensorFlow.js",
        holds=("model.json",),
        reader="tfjs.reading:read",
        writer="tfjs.graph_models.writing:write",
        recognizer="tfjs.folder:is_head",
        quantizations=("float16", "uint8", "uint16"),
    ),
    Format(
        "tfjs-layers",
        "TensorFlow.js layers",
        writer="tfjs.layers_models.writing:write",
        quantizations=("float16", "uint8", "uint16"),
    ),
    Format(
        "graph-def",
        "GraphDef",
        (".pb", ".pbtxt"),
        reader="graph_def.reading:read",
        writer="graph_def.writing:write",
    ),
    Format(
        "onnx",
        "ONNX",
        (".onnx",),
        reader="onnx.reading.model:read",
        writer="onnx.writing.model:write",
    ),
    Format(
        "tflite",
        "TFLite",
        (".tflite",),
        reader="tflite.reading.model:read",
        writer="tflite.writing.model:write",
        quantizations=("float16", "int8"),
    ),
    Format(
        "gguf",
        "GGUF",
        (".gguf",),
        reader="weights.functions:read",
        quantizations=("F32", "F16", "BF16", *PACKERS),
        weights_reader="gguf.reading:read",
        weights_writer="gguf.writing:write",
    ),
    Format(
        "safetensors",
        "safetensors",
        (".safetensors",),
        holds=("model.safetensors", "model.safetensors.index.json"),
        reader="weights.functions:read",
        quantizations=("F32", "F16", "BF16"),
        weights_reader="safetensors.folder:read",
        weights_writer="safetensors.folder:write",
    ),
    Format("trees", "trees", reader="trees.reading:read", recognizer="trees.reading:recognized"),
)
FORMATS: Mapping[str, Format] = {each.name: each for each in _ALL}


def format_of(path: str) -> Format:
    """Returns the format of an existing file or folder.

    Raises:
      NotFoundError: there is no such path.
      InvalidArgumentError: it is of none of the formats.
    """
    if not files.exists(path):
        raise NotFoundError(f"{path}: there is no such file or folder.")
    for each in FORMATS.values():
        if each.matches(path):
            return each
    # Other libraries use some of these names as well: they count for what no format knows by its content.
    for each in FORMATS.values():
        if each.has_name_of(path):
            return each
    raise InvalidArgumentError(
        f"{path} is of none of the known formats: {_listed(FORMATS.values())}."
    )


def format_to_write(path: str, name: str = "") -> Format:
    """Returns the format to write a path in.

    Args:
      path: the file or folder to make.
      name: of the format; by default the path's suffix says it, and without one it is a SavedModel.

    Raises:
      InvalidArgumentError: there is no such format.
    """
    if name:
        if name not in FORMATS:
            raise InvalidArgumentError(
                f"There is no format {name!r}; there are {_listed(_written())}."
            )
        return FORMATS[name]
    for each in FORMATS.values():
        if each.suffixes and path.endswith(each.suffixes):
            return each
    if os.path.splitext(path)[1]:
        raise InvalidArgumentError(
            f"{path}: no format that can be written has this suffix. Formats are {_listed(_written())}."
        )
    return FORMATS["saved-model"]


def _listed(formats: Iterable[Format]) -> str:
    """Formats in words."""
    named = {each.name: ", ".join(each.suffixes or each.holds) for each in formats}
    return ", ".join(f"{name} ({ends})" if ends else name for name, ends in named.items())


def _written() -> Iterable[Format]:
    return (each for each in FORMATS.values() if each.writer or each.weights_writer)


def read(path: str, **options: Any) -> Model:
    """Returns the model of a file or folder of any format.

    Args:
      path: the file or folder.
      **options: the format's own.
    """
    return format_of(path).read(path, **options)


def convert(
    source: str, target: str, to: str = "", signature: str = "", quantize: str = ""
) -> tuple[Format, Format]:
    """Reads a model and writes it in another format.

    Args:
      source: a file or folder of any format that is read.
      target: the file or folder to make.
      to: the name of its format; by default `target`'s suffix says it.
      signature: the only one to write; by default what the format holds: all, or the default one.
      quantize: how weights are stored, as the format offers it; by default as they are.

    Returns:
      The formats of both.

    Raises:
      InvalidArgumentError: the format stores no weights in that way.
      UnimplementedError: one is not read, or the other not written or without counterparts of an operation.
    """
    source_format, written = format_of(source), format_to_write(target, to)
    if quantize and quantize not in written.quantizations:
        offered = ", ".join(written.quantizations) or "no others than the model's own"
        raise InvalidArgumentError(
            f"{written.title} files do not hold weights as {quantize}. They can hold: {offered}."
        )
    if source_format.weights_reader and written.weights_writer:
        weights = source_format.read_weights(source)
        written.write_weights(
            converted(weights, source_format.name, written.name, quantize), target
        )
        return source_format, written
    model = source_format.read(source)
    options = {"quantize": quantize} if quantize else {}
    written.write(model.with_only(signature) if signature else model, target, **options)
    return source_format, written
