"""The description of a model by `penstock show`."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from penstock._src.compiler.explain.costs import cost
from penstock._src.compiler.explain.text import units
from penstock._src.core import dtypes
from penstock._src.core.errors import OpError
from penstock._src.core.tensor import Tensor
from penstock._src.filesystems import files
from penstock._src.formats.frozen import FrozenFunction, freeze
from penstock._src.formats.table import format_of
from penstock._src.formats.weights.description import about_weights
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.language.files import is_language_model
from penstock._src.language.network.needs import memory

# Smaller constants are shapes, axes and the like.
_LARGEST_SHAPE = 64


@dataclass(frozen=True)
class SignatureDescription:
    """A signature in words and numbers.

    Attributes:
      name: of the signature.
      inputs, outputs: types by name, such as "float32 [?, 3]".
      numbers: how many numbers its constants and variables hold, without those of shapes and axes.
      bytes: what these take.
      operations: how many there are of each type, once it is frozen.
      flops: floating point operations of a call in which unknown extents are 1; None: not known, `obstacle` says why.
      obstacle: why something of it is not known.
    """

    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    numbers: int = 0
    bytes: int = 0
    operations: Mapping[str, int] | None = None
    flops: int | None = None
    obstacle: str = ""

    def lines(self) -> list[str]:
        """It as lines for people."""
        shown = [f"signature {self.name}"]
        for title, tensors in (("input", self.inputs), ("output", self.outputs)):
            shown += [f"  {title:10}  {name}: {kind}" for name, kind in tensors.items()]
        if self.operations is not None:
            shown.append(f"  weights     {self.numbers:,} numbers, {units(self.bytes, 'B')}")
        if self.flops is not None:
            shown.append(
                f"  work        {units(self.flops, 'FLOP')} a call, unknown extents being 1"
            )
        if self.operations:
            shown.append(f"  operations  {_said(self.operations)}")
        if self.obstacle:
            shown.append(f"  not known   {self.obstacle}")
        return shown


@dataclass(frozen=True)
class Description:
    """A model in words and numbers.

    Attributes:
      path: the file or folder.
      format: its format's title.
      bytes: the size of the file, or of all files of the folder.
      details: what the format says besides.
      signatures: a description of each.
    """

    path: str
    format: str
    bytes: int
    details: Mapping[str, Any]
    signatures: tuple[SignatureDescription, ...]

    def lines(self) -> list[str]:
        """It as lines for people."""
        shown = [f"{self.path}: {self.format}, {units(self.bytes, 'B')}"]
        shown += [f"  {title:10}  {_said(value)}" for title, value in self.details.items()]
        for signature in self.signatures:
            shown += ["", *signature.lines()]
        return shown

    def as_json(self) -> str:
        """It as a JSON object."""
        return json.dumps(asdict(self), default=str)


def _said(value: Any) -> Any:
    """A fact in words; of counts by name, the greatest first."""
    if not isinstance(value, Mapping):
        return value
    counted = sorted(value.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{number} {name}" for name, number in counted)


def describe(path: str, **options: Any) -> Description:
    """Returns the description of a model in a file or folder.

    Args:
      path: the file or folder.
      **options: of the format's reader.
    """
    format_ = format_of(path)
    if format_.weights_reader:
        details = {**about_weights(format_.read_weights(path)), **_memory(path)}
        return Description(path, format_.title, _bytes_of(path), details, ())
    model = format_.read(path, **options)
    described = [describe_signature(name, f) for name, f in model.signatures.items()]
    return Description(path, format_.title, _bytes_of(path), model.details, tuple(described))


def _memory(path: str) -> Mapping[str, str]:
    """The memory that a language model takes when it is loaded by default; nothing for other weights."""
    if not is_language_model(path):
        return {}
    try:
        return {"memory": str(memory(path))}
    except OpError as error:  # it can be shown all the same
        return {"memory": f"not known: {error}"}


def describe_signature(name: str, function: ConcreteFunction) -> SignatureDescription:
    """Returns the description of one signature."""
    names = function.argument_names
    inputs = {n: _type(t) for n, t in zip(names, function.inputs[: len(names)], strict=True)}
    outputs = {key: _type(value) for key, value in _results(function).items()}
    try:
        frozen = freeze(function, name)
    except OpError as error:
        return SignatureDescription(name, inputs, outputs, obstacle=str(error))
    constants = [op.raw_op.attrs["value"] for op in frozen.operations if op.type == "Const"]
    values = [value for value in constants if value.nbytes > _LARGEST_SHAPE]
    flops, obstacle = _flops(frozen)
    return SignatureDescription(
        name,
        inputs,
        outputs,
        sum(v.size for v in values),
        sum(v.nbytes for v in values),
        dict(Counter(op.type for op in frozen.operations if op.type not in ("Const", "Identity"))),
        flops,
        obstacle,
    )


def _results(function: ConcreteFunction) -> Mapping[str, Any]:
    results = function.graph.structured_outputs
    if isinstance(results, Mapping):
        return results
    listed = results if isinstance(results, list | tuple) else [results]
    return {f"output_{at}": value for at, value in enumerate(listed)}


def _type(tensor: Any) -> str:
    if not isinstance(tensor, Tensor):
        return type(tensor).__name__
    if tensor.shape.rank is None:
        return f"{tensor.dtype.name} of any shape"
    extents = ", ".join("?" if n is None else str(n) for n in tensor.shape.as_list())
    return f"{tensor.dtype.name} [{extents}]"


def _flops(frozen: FrozenFunction) -> tuple[int | None, str]:
    """The floating point operations of a call, or why they are not known."""
    inputs = []
    for name, t in frozen.inputs.items():
        if t.shape.rank is None or t.dtype is dtypes.string:
            return None, f"work: input {name!r} is {_type(t)}"
        extents = [1 if n is None else n for n in t.shape.as_list()]
        inputs.append(np.zeros(extents, t.dtype.np))
    try:
        frozen.function.run(inputs)
    except (OpError, ValueError) as error:
        return None, f"work: a call with zeros of extent 1 fails: {error}"
    programs = frozen.function.executable.programs()  # type: ignore[attr-defined]
    return sum(cost(program.compiled.function)[0] for program in programs), ""


def _bytes_of(path: str) -> int:
    if not files.is_folder(path):
        return files.status(path).length
    return sum(_bytes_of(os.path.join(path, name)) for name in files.names(path))
