"""tf.mlir.experimental.convert_saved_model and convert_saved_model_v1."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.resources import VariableHandle
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.formats.graph_def.mlir import text
from penstock._src.formats.graph_def.mlir.body import lines_of, type_of
from penstock._src.formats.graph_def.mlir.module import FunctionText, module_text
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize.exporter import functions_of
from penstock._src.saving.saved_model.load import load
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export

_HANDLE = "tensor<*x!tf_type.resource>"


@export("mlir.experimental.convert_saved_model")
def convert_saved_model(
    saved_model_path: Any, exported_names: str, show_debug_info: bool = False
) -> str:
    """Returns a SavedModel as an MLIR module in TensorFlow's dialects: its variables, and functions that are bound to them.

    Args:
      saved_model_path: the folder of the SavedModel.
      exported_names: names of functions and variables of the object, with commas; "" for all.
      show_debug_info: accepted if False.

    Returns:
      The text of the module.

    Raises:
      InvalidArgumentError: the object has no such name, or a function has several traces.
      UnimplementedError: debug info, a function that holds a table or another resource than variables, or what MLIR has no types for.

    >>> model = tf.Module()
    >>> model.v = tf.Variable(2.0)
    >>> model.scaled = tf.function(lambda x: x * model.v, input_signature=[tf.TensorSpec([3])])
    >>> tf.saved_model.save(model, folder)
    >>> "tf_saved_model.global_tensor" in tf.mlir.experimental.convert_saved_model(folder, "scaled")
    True
    """
    if show_debug_info:
        raise UnimplementedError("convert_saved_model: show_debug_info is not implemented.")
    objects = _Objects(load(str(saved_model_path)))
    chosen = [name.strip() for name in exported_names.split(",") if name.strip()]
    missing = [name for name in chosen if name not in objects.by_path]
    if missing:
        raise InvalidArgumentError(
            f"convert_saved_model: the SavedModel has no {', '.join(missing)}. It has {', '.join(objects.by_path)}."
        )
    exported = [
        _Exported(_only_trace(path, value), path, objects)
        for path, value in objects.by_path.items()
        if isinstance(value, Function) and (not chosen or path in chosen)
    ]
    return _module(exported, objects, chosen)


@export("mlir.experimental.convert_saved_model_v1")
def convert_saved_model_v1(
    saved_model_path: Any,
    exported_names: str,
    tags: str,
    lift_variables: bool,
    include_variables_in_initializers: bool,
    upgrade_legacy: bool = True,
    show_debug_info: bool = False,
) -> str:
    """Returns the signatures of a SavedModel as an MLIR module in TensorFlow's dialects, with its variables.

    Args:
      saved_model_path: the folder of the SavedModel.
      exported_names: names of signatures, with commas; "" for all.
      tags: tags of the MetaGraph, with commas.
      lift_variables: True: variables are part of the module, as they are not before an initializer has run.
      include_variables_in_initializers, upgrade_legacy: accepted; variables have their values, and there are no initializers.
      show_debug_info: accepted if False.

    Returns:
      The text of the module.

    Raises:
      InvalidArgumentError: the SavedModel has no such signature.
      UnimplementedError: variables that are not lifted, debug info, a signature that holds a table or another resource than variables, or what
        MLIR has no types for.

    >>> model = tf.Module()
    >>> model.v = tf.Variable(2.0)
    >>> model.scaled = tf.function(lambda x: x * model.v, input_signature=[tf.TensorSpec([3])])
    >>> tf.saved_model.save(model, folder, signatures={"scaled": model.scaled})
    >>> module = tf.mlir.experimental.convert_saved_model_v1(folder, "scaled", "serve", True, False)
    >>> 'tf_saved_model.exported_names = ["scaled"]' in module
    True
    """
    if show_debug_info or not lift_variables:
        raise UnimplementedError(
            "convert_saved_model_v1: show_debug_info and variables that are not lifted are not implemented."
        )
    model = load(str(saved_model_path), tags=[tag for tag in tags.split(",") if tag])
    chosen = [name.strip() for name in exported_names.split(",") if name.strip()]
    missing = [name for name in chosen if name not in model.signatures]
    if missing:
        raise InvalidArgumentError(
            f"convert_saved_model_v1: the SavedModel has no signature {', '.join(missing)}. It has {', '.join(model.signatures)}."
        )
    objects = _Objects(model)
    exported = [
        _Exported(function, name, objects)
        for name, function in model.signatures.items()
        if not chosen or name in chosen
    ]
    return _module(exported, objects, None)


def _module(exported: Sequence[_Exported], objects: _Objects, chosen: Sequence[str] | None) -> str:
    """A module of functions, what they call, and the variables that they hold or that are chosen."""
    called: dict[str, GraphFunction] = {}
    for function in exported:
        called.update({each.name: each for each in functions_of(function.graph)})
    inner = [FunctionText(each, is_standard=False) for each in called.values()]
    written = [line for each in (*exported, *inner) for line in each.lines()]
    return module_text(
        [*objects.globals(chosen), *written], bool(inner), "tf_saved_model.semantics"
    )


def _only_trace(path: str, function: Any) -> ConcreteFunction:
    traces = function.concrete_functions
    if len(traces) != 1:
        raise InvalidArgumentError(
            f"convert_saved_model: an exported function has one trace; {path} has {len(traces)}."
        )
    return traces[0]  # type: ignore[no-any-return]


@dataclass
class _Global:
    """A variable or constant of the module."""

    symbol: str
    value: np.ndarray
    dtype: Any
    is_mutable: bool
    path: str | None

    @property
    def kind(self) -> str:
        """Its type."""
        return text.tensor_type(self.dtype, TensorShape(self.value.shape))

    def line(self, is_exported: bool) -> str:
        """The operation that defines it."""
        names = f"[{text.string((self.path or '').encode())}]" if is_exported else "[]"
        mutable = "is_mutable, " if self.is_mutable else ""
        name = text.string(self.symbol.encode())
        return (
            f'"tf_saved_model.global_tensor"() <{{{mutable}sym_name = {name}, type = {self.kind}, '
            f"value = {text.dense(self.value, self.dtype)}}}> "
            f"{{tf_saved_model.exported_names = {names}}} : () -> ()"
        )


class _Objects:
    """The objects below a model by their paths, breadth first, and its variables and constants."""

    def __init__(self, root: Any) -> None:
        self.by_path: dict[str, Any] = {}
        self._globals: dict[int, _Global] = {}
        self._used: set[int] = set()
        pending, seen = collections.deque([("", root)]), {id(root)}
        number = 0
        while pending:
            path, value = pending.popleft()
            if path and isinstance(value, Variable | Function):
                self.by_path[path] = value
            if isinstance(value, Variable):
                self._add(value.handle._value, number, path)
            number += 1
            for name, child in value._trackable_children().items():
                if name != "signatures" and id(child) not in seen:
                    seen.add(id(child))
                    pending.append((f"{path}.{name}" if path else name, child))

    def _add(self, handle: VariableHandle, number: int, path: str) -> None:
        symbol = f"__sm_node{number}__{path}"
        self._globals[id(handle)] = _Global(symbol, handle.read(), handle.dtype, True, path)

    def bound(self, captured: EagerTensor) -> _Global:
        """The variable or constant that a function holds.

        Raises:
          UnimplementedError: it is another resource.
        """
        value = captured._value
        if id(value) not in self._globals:
            if isinstance(value, VariableHandle):
                self._add(value, len(self._globals), value.name)
            elif not isinstance(value, np.ndarray):
                raise UnimplementedError(
                    f"convert_saved_model: functions that hold {type(value).__name__} are not implemented."
                )
            else:
                symbol = f"__sm_constant{len(self._globals)}"
                self._globals[id(value)] = _Global(symbol, value, captured.dtype, False, None)
        self._used.add(id(value))
        return self._globals[id(value)]

    def globals(self, chosen: Sequence[str] | None) -> Iterator[str]:
        """The lines of variables and constants that are exported (none if `chosen` is None) or that functions hold."""
        for key, each in self._globals.items():
            is_chosen = chosen is not None and (not chosen or each.path in chosen)
            is_exported = each.path in self.by_path and is_chosen
            if is_exported or key in self._used:
                yield each.line(is_exported)


class _Exported(FunctionText):
    """A function that the module offers, with its variables as bound inputs."""

    def __init__(self, concrete: ConcreteFunction, path: str, objects: _Objects) -> None:
        super().__init__(concrete.graph_function, is_standard=False)
        self._path, self._concrete = path, concrete
        captured = concrete.captured_inputs
        self._given = len(self.arguments) - len(captured)
        self._bound_to = [objects.bound(tensor) for tensor in captured]

    def lines(self) -> Iterator[str]:
        """The text of the function, line by line."""
        yield self._head() + " {"
        for at, each in enumerate(self._bound_to, self._given):
            result = self.names[self.arguments[at]._id] = self._new("")
            operation, kind = '"tf.Cast"(%arg{}) <{{Truncate = false}}>', _HANDLE
            if not each.is_mutable:
                operation, kind = '"tf.ReadVariableOp"(%arg{})', each.kind
            yield f"  {result} = {operation.format(at)} : ({self._handle_of(each)}) -> {kind}"
        graph = self._new("")
        yield f"  {self._bound(graph, len(self.results))}tf_executor.graph {{"
        for line in lines_of(self.graph, self.arguments):
            yield f"    {self._island(line)}"
        yield f"    {self._fetch()}"
        yield "  }"
        types = ", ".join(map(type_of, self.results))
        parts = ", ".join(self._parts(graph, len(self.results)))
        yield f"  return {parts} : {types}" if self.results else "  return"
        yield "}"

    def _head(self) -> str:
        arguments = []
        args, kwargs = self._concrete.structured_input_signature
        paths = [*_paths(list(args), []), *_paths(kwargs, [])]
        for at, (tensor, (path, spec)) in enumerate(zip(self.arguments, paths, strict=False)):
            name = text.string((spec.name or "").encode())
            note = f"tf._user_specified_name = {name}, " if spec.name else ""
            arguments.append(
                f"%arg{at}: {type_of(tensor)} {{{note}tf_saved_model.index_path = {_path(path)}}}"
            )
        for at, each in enumerate(self._bound_to, self._given):
            bound = f"tf_saved_model.bound_input = {text.symbol(each.symbol)}"
            arguments.append(f"%arg{at}: {self._handle_of(each)} {{{bound}}}")
        outputs = list(_paths(self._concrete.structured_outputs, []))
        results = ", ".join(
            f"{type_of(tensor)} {{tf_saved_model.index_path = {_path(path)}}}"
            for tensor, (path, _) in zip(self.results, outputs, strict=True)
        )
        result = f" -> ({results})" if results else ""
        # What is exported may not be called from within the module, where the function has its own name.
        name = text.symbol(f"__sm_exported__{self._path}")
        exported = text.string(self._path.encode())
        return (
            f"func.func {name}({', '.join(arguments)}){result} "
            f"attributes {{tf_saved_model.exported_names = [{exported}]}}"
        )

    @staticmethod
    def _handle_of(each: _Global) -> str:
        return f"tensor<!tf_type.resource<{each.kind}>>"


def _paths(value: Any, path: list[Any]) -> Iterator[tuple[list[Any], TensorSpec | Tensor]]:
    """The specs of a structure, with their paths, in the order of the tensors."""
    if isinstance(value, TensorSpec | Tensor):
        yield path, value
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _paths(value[key], [*path, key])
    elif isinstance(value, list | tuple):
        for at, each in enumerate(value):
            yield from _paths(each, [*path, at])


def _path(path: Sequence[Any]) -> str:
    parts = (str(p) if isinstance(p, int) else text.string(str(p).encode()) for p in path)
    return f"[{', '.join(parts)}]"
