"""tf.mlir.experimental.convert_function and convert_graph_def."""

from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf import text_format

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.formats.graph_def.mlir import text
from penstock._src.formats.graph_def.mlir.body import (
    Line,
    argument_type,
    lines_of,
    simplified,
    type_of,
)
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.serialize.exporter import MIN_CONSUMER, function_def, functions_of
from penstock._src.graph.serialize.graph_defs import import_graph_def
from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export
from penstock._src.version import GRAPH_DEF_VERSION

_STANDARD = "tf-standard-pipeline"


@export("mlir.experimental.convert_function")
def convert_function(
    concrete_function: Any, pass_pipeline: str = _STANDARD, show_debug_info: bool = False
) -> str:
    """Returns a concrete function, with all that it calls, as an MLIR module in TensorFlow's dialects.

    Args:
      concrete_function: a ConcreteFunction.
      pass_pipeline: by default what follows from constants is computed, equal operations are one, and what has no effect and is not read is left
        out; "" gives all operations, in the dialect `tf_executor`.
      show_debug_info: accepted if False.

    Returns:
      The text of the module.

    Raises:
      TypeError: something else than a concrete function is given.
      UnimplementedError: another pipeline, debug info, or what MLIR has no types for.

    >>> double = tf.function(lambda x: 2.0 * x)
    >>> module = tf.mlir.experimental.convert_function(double.get_concrete_function(tf.TensorSpec([3])))
    >>> "tf.Mul" in module
    True
    """
    if not isinstance(concrete_function, ConcreteFunction):
        raise TypeError(
            f"convert_function: a ConcreteFunction is expected. Received {concrete_function!r}."
        )
    is_standard = _check(pass_pipeline, show_debug_info)
    main = concrete_function.graph_function
    written = [FunctionText(main, is_standard, is_main=True)]
    written += [
        FunctionText(f, is_standard) for f in functions_of(main.graph) if f.name != main.name
    ]
    return _module(written)


@export("mlir.experimental.convert_graph_def")
def convert_graph_def(
    graph_def: Any, pass_pipeline: str = _STANDARD, show_debug_info: bool = False
) -> str:
    """Returns a GraphDef as an MLIR module in TensorFlow's dialects, whose function `main` has no arguments.

    Args:
      graph_def: a GraphDef, its bytes or its text.
      pass_pipeline: see `convert_function`; by default what has no effect is left out, as there are no results.
      show_debug_info: accepted if False.

    Returns:
      The text of the module.

    Raises:
      InvalidArgumentError: it is not a GraphDef.
      UnimplementedError: another pipeline, debug info, or what MLIR has no types for.

    >>> with tf.Graph().as_default() as graph:
    ...     y = tf.constant(1.0) + 2.0
    >>> "tf_executor.graph" in tf.mlir.experimental.convert_graph_def(graph.as_graph_def(), "")
    True
    """
    is_standard = _check(pass_pipeline, show_debug_info)
    graph = Graph()
    with graph.as_default():
        import_graph_def(_parsed(graph_def), name="")
    written = [FunctionText(graph, is_standard, is_main=True)]
    return _module([*written, *(FunctionText(f, is_standard) for f in functions_of(graph))])


def _check(pass_pipeline: str, show_debug_info: bool) -> bool:
    """True for the standard pipeline, False for none."""
    if show_debug_info:
        raise UnimplementedError("tf.mlir.experimental: show_debug_info is not implemented.")
    if pass_pipeline not in ("", _STANDARD):
        raise UnimplementedError(
            f"tf.mlir.experimental: the pass pipeline {pass_pipeline!r} is not implemented: there are "
            f"'' and '{_STANDARD}'."
        )
    return bool(pass_pipeline)


def _parsed(graph_def: Any) -> Any:
    if isinstance(graph_def, GraphDef):
        return graph_def
    if hasattr(graph_def, "SerializeToString"):
        return GraphDef.FromString(graph_def.SerializeToString())
    try:
        if isinstance(graph_def, bytes):
            return GraphDef.FromString(graph_def)
        return text_format.Parse(graph_def, GraphDef())
    except (text_format.ParseError, ValueError, TypeError) as error:
        raise InvalidArgumentError(f"convert_graph_def: not a GraphDef: {error}") from error


def _module(functions: Sequence["FunctionText"]) -> str:
    lines = [line for function in functions for line in function.lines()]
    return module_text(lines, len(functions) > 1)


def module_text(lines: Sequence[str], has_functions: bool, *attributes: str) -> str:
    """Returns a module.

    Args:
      lines: what it holds.
      has_functions: whether its graph has a library of functions.
      *attributes: further attributes of the module.
    """
    versions = (
        f"{{bad_consumers = [], min_consumer = {MIN_CONSUMER if has_functions else 0} : i32, "
        f"producer = {GRAPH_DEF_VERSION} : i32}}"
    )
    noted = ", ".join([f"tf.versions = {versions}", *attributes])
    inner = (f"  {line}" for line in lines)
    return "\n".join([f"module attributes {{{noted}}} {{", *inner, "}", ""])


class FunctionText:
    """A graph as a function of a module."""

    def __init__(
        self, source: GraphFunction | Graph, is_standard: bool, is_main: bool = False
    ) -> None:
        self.function = source if isinstance(source, GraphFunction) else None
        self.graph: Graph = source.graph if isinstance(source, GraphFunction) else source
        self.arguments = list(self.function.inputs) if self.function else []
        self.results = list(self.function.outputs) if self.function else []
        self.is_standard, self.is_main = is_standard, is_main
        self.names = {t._id: f"%arg{i}" for i, t in enumerate(self.arguments)}
        self.controls: dict[Operation, str] = {}
        self.counts: dict[str, int] = {}

    def lines(self) -> Iterator[str]:
        """The text of the function, line by line."""
        yield self._head() + " {"
        body, same = (
            simplified(self.graph, self.arguments, self.results)
            if self.is_standard
            else (lines_of(self.graph, self.arguments), {})
        )
        if self.is_standard:
            for line in body:
                yield f"  {self._plain(line)}"
            results = [self.names[same.get(t._id, t._id)] for t in self.results]
        else:
            yield f"  {self._bound('%0', len(self.results))}tf_executor.graph {{"
            for line in body:
                yield f"    {self._island(line)}"
            yield f"    {self._fetch()}"
            yield "  }"
            results = self._parts("%0", len(self.results))
        types = ", ".join(map(type_of, self.results))
        yield f"  return {', '.join(results)} : {types}" if results else "  return"
        yield "}"

    def _head(self) -> str:
        name = self.function.name if self.function else "main"
        if self.function is None:
            return f"func.func {text.symbol(name)}()"
        definition = function_def(self.function)
        arguments = []
        for i, t in enumerate(self.arguments):
            user_name = (
                definition.arg_attr[i].attr["_user_specified_name"].s
                if i in definition.arg_attr
                else b""
            )
            note = f" {{tf._user_specified_name = {text.string(user_name)}}}" if user_name else ""
            arguments.append(f"%arg{i}: {argument_type(t)}{note}")
        types = [type_of(t) for t in self.results]
        result = (
            f" -> {types[0]}" if len(types) == 1 else f" -> ({', '.join(types)})" if types else ""
        )
        visibility = "" if self.is_main else "private "
        notes = f" attributes {self._entry(definition)}" if self.is_main else ""
        return f"func.func {visibility}{text.symbol(name)}({', '.join(arguments)}){result}{notes}"

    def _entry(self, definition: Any) -> str:
        signature = definition.signature
        names = {
            "control_outputs": signature.control_output,
            "inputs": [argument.name for argument in signature.input_arg],
            "outputs": [f"{argument.name}_RetVal" for argument in signature.output_arg],
        }
        entry = ", ".join(
            f"{key} = {text.string(','.join(v).encode())}" for key, v in names.items()
        )
        return f"{{allow_soft_placement = false, tf.entry_function = {{{entry}}}}}"

    def _new(self, prefix: str) -> str:
        """The next name: %outputs, %outputs_1, or %0, %1 without a prefix."""
        count = self.counts[prefix] = self.counts.get(prefix, -1) + 1
        if not prefix:
            return f"%{count}"
        return f"%{prefix}_{count}" if count else f"%{prefix}"

    @staticmethod
    def _parts(name: str, count: int) -> list[str]:
        return [name] if count == 1 else [f"{name}#{i}" for i in range(count)]

    @staticmethod
    def _bound(name: str, count: int) -> str:
        return "" if not count else f"{name} = " if count == 1 else f"{name}:{count} = "

    def _call(self, line: Line, name: str) -> str:
        """The operation without the names of its results; assigns those."""
        operands = ", ".join(self.names[i] for i in line.inputs)
        sources = ", ".join(self._type(i) for i in line.inputs)
        for t, part in zip(line.outputs, self._parts(name, len(line.outputs)), strict=True):
            self.names[t._id] = part
        types = [type_of(t) for t in line.outputs]
        result = types[0] if len(types) == 1 else f"({', '.join(types)})"
        self.types.update({t._id: type_of(t) for t in line.outputs})
        return f'"{line.name}"({operands}) {line.attributes} : ({sources}) -> {result}'

    def _type(self, identity: int) -> str:
        return self.types[identity]

    @property
    def types(self) -> dict[int, str]:
        """The types of values by the ids of their tensors."""
        if not hasattr(self, "_types"):
            self._types = {t._id: argument_type(t) for t in self.arguments}
        return self._types

    def _plain(self, line: Line) -> str:
        is_constant = line.name == "tf.Const"
        name = self._new("cst" if is_constant else "") if line.outputs else ""
        return self._bound(name, len(line.outputs)) + self._call(line, name)

    def _island(self, line: Line) -> str:
        control = self.controls[line.operation] = self._new("control")
        waits = ", ".join(self.controls[op] for op in line.waits if op in self.controls)
        name = self._new("outputs") if line.outputs else ""
        bound = (
            f"{name}, "
            if len(line.outputs) == 1
            else f"{name}:{len(line.outputs)}, "
            if name
            else ""
        )
        island = f"tf_executor.island{f'({waits})' if waits else ''} wraps"
        return f"{bound}{control} = {island} {self._call(line, name)}"

    def _fetch(self) -> str:
        controls = [self.controls[op] for op in self.graph_controls if op in self.controls]
        values = [self.names[t._id] for t in self.results] + controls
        types = [self.types[t._id] for t in self.results] + ["!tf_executor.control"] * len(controls)
        if not values:
            return "tf_executor.fetch"
        return f"tf_executor.fetch {', '.join(values)} : {', '.join(types)}"

    @property
    def graph_controls(self) -> Sequence[Operation]:
        """The operations that run although nothing reads them."""
        return getattr(self.graph, "control_outputs", ())
