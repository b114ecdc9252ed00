"""A GraphProto as calls of raw ops in the function that is being traced."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from penstock._src.core.calls.loading_limits import DEEPEST, check_size
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock._src.core.tensor import Tensor
from penstock._src.formats.onnx.arrays import array_of
from penstock._src.formats.onnx.reading.layout import built
from penstock._src.formats.onnx.reading.registry import Node
from penstock._src.formats.onnx.reading.rows import reader_of
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.static_values import constant_value

_OWN_DOMAINS = ("", "ai.onnx")
_SMALL = 1024  # elements of a known value that replaces the operations which compute it


class Scope:
    """Values by name; names that are not here are those of the graph around.

    Args:
      outer: the scope around, or None.
    """

    def __init__(self, outer: "Scope | None" = None) -> None:
        self.outer, self.values = outer, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        raise InvalidArgumentError(f"there is no value '{name}' before this node.")

    def __setitem__(self, name: str, value: Any) -> None:
        if name:
            self.values[name] = value


class Translation:
    """Reads the nodes of a graph, of its subgraphs and of the functions that they call.

    Args:
      path: of the model; files of external data are in its folder.
      versions: {domain: version of its operators}.
      functions: {(domain, name, overload): FunctionProto}.
      weights: {name of an initializer of the main graph: the variable it became}.
    """

    def __init__(
        self,
        path: str,
        versions: dict[str, int],
        functions: dict[tuple[str, str, str], Any],
        weights: dict[str, Any],
    ) -> None:
        self.path, self.versions = path, versions
        self.functions, self.weights = functions, weights
        self.scope = Scope()
        self.depth = 0
        self.is_trial = False  # nodes are read for the shapes of their results
        self.expanded = 0  # nodes of graphs that calls of functions pass on

    def main(self, graph: Any, inputs: dict[str, Any]) -> list[Any]:
        """Reads the main graph; returns its outputs."""
        self.scope = Scope()
        for name, value in inputs.items():
            self.scope[name] = value
        return self._body(graph, self.weights)

    def subgraph(self, graph: Any, values: Sequence[Any]) -> list[Any]:
        """Reads a subgraph of a node whose inputs have these values; returns its outputs."""
        if len(values) != len(graph.input):
            raise InvalidArgumentError(
                f"the subgraph '{graph.name}' has {len(graph.input)} inputs in place of {len(values)}."
            )
        with self._inner(Scope(self.scope)):
            for info, value in zip(graph.input, values, strict=True):
                self.scope[info.name] = value
            return self._body(graph, {})

    @contextmanager
    def _inner(self, scope: Scope) -> Iterator[None]:
        outer, self.scope = self.scope, scope
        self.depth += 1
        if self.depth > DEEPEST:
            raise InvalidArgumentError("functions or subgraphs are nested too deeply.")
        try:
            yield
        finally:
            self.scope = outer
            self.depth -= 1

    def _body(self, graph: Any, weights: dict[str, Any]) -> list[Any]:
        for proto in graph.initializer:
            if proto.name in weights:
                self.scope[proto.name] = convert_to_tensor(weights[proto.name])
            else:
                with placed(f"the initializer '{proto.name}'"):
                    self.scope[proto.name] = convert_to_tensor(array_of(proto, self.path))
        for sparse in graph.sparse_initializer:
            name = sparse.values.name
            with placed(f"the sparse initializer '{name}'"):
                self.scope[name] = convert_to_tensor(dense_array(sparse, self.path))
        self._nodes(graph.node)
        with placed("the outputs of the graph"):
            return [self.scope[info.name] for info in graph.output]

    def _nodes(self, protos: Any) -> None:
        for index, proto in enumerate(protos):
            with placed(f"node {index} ({described(proto)})"):
                self._node(proto)

    def _node(self, proto: Any) -> None:
        inputs = [self.scope[name] if name else None for name in proto.input]
        results = self._call(proto, inputs)
        if len(results) < len(proto.output):
            raise UnimplementedError(f"has no output {len(results)}.")
        for name, value in zip(proto.output, results):
            self.scope[name] = _folded(value)

    def _call(self, proto: Any, inputs: list[Any]) -> Sequence[Any]:
        domain = "" if proto.domain in _OWN_DOMAINS else proto.domain
        function = self.functions.get((proto.domain, proto.op_type, proto.overload))
        if function is not None:
            return self._function(function, proto, inputs)
        reader = reader_of(domain, proto.op_type)
        if reader is None:
            raise UnimplementedError("there is no such operator in Penstock.")
        while inputs and inputs[-1] is None:
            inputs.pop()
        if len(inputs) < reader.least or (reader.most is not None and len(inputs) > reader.most):
            most = "any number" if reader.most is None else reader.most
            raise InvalidArgumentError(f"takes {reader.least} to {most} inputs, not {len(inputs)}.")
        needed = (v for at, v in enumerate(inputs[: reader.least]) if at not in reader.optional)
        if any(value is None for value in needed):
            raise InvalidArgumentError("an input that must be given is left out.")
        node = Node(proto, self._version(domain), self)
        result = built(proto.op_type if not domain else "", partial(reader.build, node), inputs)
        return result if isinstance(result, (tuple, list)) else (result,)

    def _version(self, domain: str) -> int:
        names = _OWN_DOMAINS if domain == "" else (domain,)
        return max((self.versions.get(name, 0) for name in names), default=0) or 1

    def _function(self, function: Any, call: Any, inputs: list[Any]) -> list[Any]:
        """Reads the body of a function of the model, with the attributes of the call."""
        attributes_by_name = {a.name: a for a in function.attribute_proto} | {
            a.name: a for a in call.attribute
        }
        if len(inputs) > len(function.input):
            raise InvalidArgumentError(f"the function takes at most {len(function.input)} inputs.")
        versions = self.versions
        self.versions = versions | {o.domain: o.version for o in function.opset_import}
        try:
            with self._inner(Scope()):
                for name, value in zip(function.input, inputs):
                    self.scope[name] = value
                for name in function.input[len(inputs) :]:
                    self.scope[name] = None
                self._nodes([self._filled(node, attributes_by_name) for node in function.node])
                return [self.scope[name] for name in function.output]
        finally:
            self.versions = versions

    def _count(self, nodes: Any) -> None:
        """Refuses bodies that grow too large because calls pass graphs on."""
        self.expanded += sum(1 for _ in with_inner(nodes))
        check_size(self.expanded, 0)

    def _filled(self, node: Any, attributes: dict[str, Any]) -> Any:
        """A node of a function with references to attributes replaced by the call's attributes."""
        if not any(a.ref_attr_name or a.HasField("g") for a in node.attribute):
            return node
        filled = type(node)()
        filled.CopyFrom(node)
        del filled.attribute[:]
        for attribute in node.attribute:
            if attribute.ref_attr_name:
                if attribute.ref_attr_name in attributes:
                    self._count(attributes[attribute.ref_attr_name].g.node)
                    filled.attribute.add().CopyFrom(attributes[attribute.ref_attr_name])
                    filled.attribute[-1].name = attribute.name
                continue
            copied = filled.attribute.add()
            copied.CopyFrom(attribute)
            if copied.HasField("g"):
                inner = [self._filled(n, attributes) for n in copied.g.node]
                del copied.g.node[:]
                copied.g.node.extend(inner)
        return filled


def dense_array(sparse: Any, path: str) -> np.ndarray:
    """The array of a SparseTensorProto.

    Raises:
      InvalidArgumentError: its indices are not of its shape.
      UnimplementedError: it is large.
    """
    values, indices = array_of(sparse.values, path), array_of(sparse.indices, path)
    sizes = [int(n) for n in sparse.dims]
    count = int(np.prod(sizes, dtype=object)) if sizes else 1
    if any(n < 0 for n in sizes) or count > 1 << 28:
        raise UnimplementedError(f"a sparse tensor of shape {sizes} is not supported.")
    if indices.ndim == 2:
        if indices.shape[1] != len(sizes):
            raise InvalidArgumentError(f"indices of {indices.shape} are not those of {sizes}.")
        inside = np.all((indices >= 0) & (indices < sizes))
        indices = np.ravel_multi_index(tuple(indices.T), sizes) if inside else np.array([-1])
    if np.any((indices < 0) | (indices >= count)) or indices.shape != values.shape:
        raise InvalidArgumentError("indices of a sparse tensor are out of range.")
    flat = np.zeros(count, values.dtype)
    flat[indices] = values
    return flat.reshape(sizes)


def _folded(value: Any) -> Any:
    """A constant that replaces operations which compute a small known value."""
    if not isinstance(value, Tensor) or not (value.dtype.is_integer or value.dtype.is_bool):
        return value
    size = value.shape.num_elements()
    if size is None or size > _SMALL:
        return value
    constant = constant_value(value)
    if constant is None or not isinstance(value, SymbolicTensor) or value.op.type == "Const":
        return value
    return convert_to_tensor(constant)


def with_inner(nodes: Iterable[Any]) -> Iterator[Any]:
    """Yields nodes and those of their subgraphs."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from with_inner(graph.node)


def described(proto: Any) -> str:
    """The operator of a node, with its name."""
    domain = f"{proto.domain}." if proto.domain else ""
    return f"{domain}{proto.op_type} '{proto.name or next(iter(proto.output), '')}'"


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Adds the position in the file to errors raised inside."""
    try:
        yield
    except OpError as error:
        raise type(error)(f"{where}: {error.message}") from error
    except (ValueError, TypeError, IndexError, ArithmeticError, RecursionError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise InvalidArgumentError(f"{where}: {text}") from sys.exception()
