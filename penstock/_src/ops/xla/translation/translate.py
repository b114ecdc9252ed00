"""Traverses a StableHLO module and calls the handler of each operation."""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import find
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.errors import MalformedFunction, NotLowerable
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ir.node import Node
from penstock._src.stablehlo.module import HloBlock, HloModule, HloOperation, HloValue, TensorType

Nodes = list[Node]
Handler = Callable[..., Any]

HANDLERS: dict[str, Handler] = {}
# Modules that register handlers.
_FAMILIES = (
    "elementwise",
    "movement",
    "normalization",
    "dynamic",
    "contraction",
    "reduction",
    "windows",
    "indexing",
    "sorting",
    "control",
    "linear_algebra",
    "random_bits",
    "custom_calls",
)


def translates(*names: str) -> Callable[[Handler], Handler]:
    """Registers the handler of operations: (translation, operation, *operands) -> node or list of nodes."""

    def mark(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return mark


def load_handlers() -> dict[str, Handler]:
    """Returns the handlers of all families."""
    for family in _FAMILIES:
        importlib.import_module(f"{__package__}.{family}")
    return HANDLERS


class Translation:
    """The translation of one module into one builder."""

    def __init__(self, module: HloModule, p: NodeMaker) -> None:
        self.module, self.p = module, p
        self.handlers = load_handlers()
        self.known: dict[HloValue, Node] = {}

    @property
    def is_immediate(self) -> bool:
        """True if nodes are evaluated immediately."""
        return isinstance(self.p, ImmediateBuilder)

    def main(self, arguments: Sequence[Node]) -> Nodes:
        """The results of the module for these arguments."""
        function = self.module.main
        block = function.regions[0].block
        if len(arguments) != len(block.arguments):
            raise InvalidArgumentError(
                f"XlaCallModule: the module takes {len(block.arguments)} arguments. "
                f"Received {len(arguments)}."
            )
        for place, (argument, value) in enumerate(zip(arguments, block.arguments)):
            check_argument(place, argument, value.type)
        return self.run(block, arguments)

    def call(self, name: str, arguments: Sequence[Node]) -> Nodes:
        """The results of one of the module's functions."""
        if name not in self.module.functions:
            raise UnimplementedError(f"XlaCallModule: the module has no function {name!r}.")
        return self.run(self.module.functions[name].regions[0].block, arguments)

    def run(self, block: HloBlock, arguments: Sequence[Node]) -> Nodes:
        """The results of a block for these arguments; it may use outer values.

        A function of single elements is also run for whole arrays: its shapes are then not those of the module.
        """
        is_exact = all(map(has_shape, arguments, block.arguments))
        self.known.update(zip(block.arguments, arguments))
        *body, last = block.operations
        for operation in body:
            nodes = self.results(operation)
            check_results(operation, nodes, is_exact)
            self.known.update(zip(operation.results, nodes))
        return [self.known[value] for value in last.operands]

    def results(self, operation: HloOperation) -> Nodes:
        """The nodes of an operation's results."""
        handler = self.handlers.get(operation.name)
        if handler is None:
            raise UnimplementedError(
                f"XlaCallModule: the StableHLO operation {operation.name!r} is not implemented"
                f"{place_of(operation)}."
            )
        operands = [self.known[value] for value in operation.operands]
        try:
            nodes = handler(self, operation, *operands)
        except NotLowerable as error:
            if not self.is_immediate:
                raise
            raise unfit(operation, operands, error) from error
        except (MalformedFunction, ValueError) as error:  # sizes that do not fit
            raise unfit(operation, operands, error) from error
        return list(nodes) if isinstance(nodes, (list, tuple)) else [nodes]

    def function(self, block: HloBlock) -> Callable[..., Nodes]:
        """A block as a Python function of nodes."""
        return lambda *arguments: self.run(block, arguments)

    def value(self, node: Node, what: str) -> np.ndarray:
        """A node's static value; raises NotLowerable if it is only known at run time."""
        static = self.p.value(node)
        if static is None:
            raise NotLowerable(f"{what} is only known when the program runs")
        return static

    def extents(self, node: Node, what: str = "a shape") -> list[int]:
        """The sizes in a shape vector; Dims where they depend on dynamic dimensions."""
        sizes = self.p.dims(node)
        if sizes is None:
            raise NotLowerable(f"{what} is only known when the program runs")
        return sizes

    def apply(self, name: str, *arguments: Node, **attrs: Any) -> Any:
        """Applies one of TensorFlow's ops to nodes."""
        cls = find(name)
        complete = {**cls.attributes, **attrs}
        for argument, node in zip(cls.inputs, arguments):
            if argument.type_attr:
                complete[argument.type_attr] = node.dtype
        op: Any = cls.instance(complete)
        if not self.is_immediate:
            if cls.lowering is None:
                raise NotLowerable(f"{name} has no lowering")
            return cls.lowering(op, self.p, *arguments)
        values = op.eager(*[self.p.value(node) for node in arguments])
        if isinstance(values, tuple):
            return tuple([self._given(v) for v in values])
        return self._given(values)

    def _given(self, value: Any) -> Node:
        return self.p.constant(np.asarray(value), None)


def check_argument(place: int, argument: Node, expected: Any) -> None:
    """Raises InvalidArgumentError unless an argument has the type that the module expects."""
    if not isinstance(expected, TensorType):
        raise UnimplementedError(
            f"XlaCallModule: argument {place} is of type {expected}, not a tensor."
        )
    fits = len(expected.shape) == argument.rank and all(
        want is None or want == have for want, have in zip(expected.shape, argument.shape)
    )
    if not fits or expected.dtype != argument.dtype:
        raise InvalidArgumentError(
            f"XlaCallModule: argument {place} has {argument.dtype.name} shape "
            f"{[int(d) for d in argument.shape]}, but the module was made for "
            f"{expected.dtype.name} shape {list(expected.shape)}."
        )


def unfit(operation: HloOperation, operands: Nodes, error: Exception) -> Exception:
    """Return the error of an operation with operands that do not fit each other or its attributes."""
    shown = ", ".join(f"{x.dtype.name}[{', '.join(map(str, x.shape))}]" for x in operands)
    return InvalidArgumentError(
        f"XlaCallModule: {operation.name} of {shown or 'nothing'}{place_of(operation)}: {error}"
    )


def has_shape(node: Node, value: HloValue) -> bool:
    """True if a node has the shape of a value's type, as far as that is known."""
    if not isinstance(value.type, TensorType):
        return True
    return len(value.type.shape) == node.rank and all(
        want is None or not isinstance(have, int) or want == have
        for want, have in zip(value.type.shape, node.shape)
    )


def check_results(operation: HloOperation, nodes: Nodes, is_exact: bool) -> None:
    """Raises InvalidArgumentError unless the results of an operation match the module's types; `is_exact`: shapes, too."""
    if len(nodes) != len(operation.results):
        raise InvalidArgumentError(
            f"XlaCallModule: {operation.name} gives {len(nodes)} results{place_of(operation)}, "
            f"but the module has {len(operation.results)}."
        )
    for node, value in zip(nodes, operation.results):
        want = value.type
        if not isinstance(want, TensorType):
            continue
        is_other = isinstance(want.dtype, DType) and want.dtype != node.dtype
        if is_other or (is_exact and not has_shape(node, value)):
            raise InvalidArgumentError(
                f"XlaCallModule: {operation.name} gives {node.dtype.name} shape "
                f"[{', '.join(map(str, node.shape))}]{place_of(operation)}, but the module has "
                f"{getattr(want.dtype, 'name', want.dtype)} shape {list(want.shape)}."
            )


def place_of(operation: HloOperation) -> str:
    """The source location of an operation, for messages."""
    return f" (at {operation.location})" if operation.location else ""


def result_type(operation: HloOperation, index: int = 0) -> TensorType:
    """The type of a result in the module."""
    result = operation.results[index].type
    if not isinstance(result, TensorType):
        raise UnimplementedError(f"XlaCallModule: {operation.name} gives {result}, not a tensor.")
    return result


def static_shape(operation: HloOperation, index: int = 0) -> tuple[int, ...]:
    """The fully static shape of a result."""
    shape = result_type(operation, index).shape
    if None in shape:
        raise NotLowerable(f"the shape of {operation.name}{place_of(operation)} is not known")
    return tuple([d for d in shape if d is not None])


def result_dtype(operation: HloOperation, index: int = 0) -> DType:
    """The element type of a result."""
    return result_type(operation, index).dtype


def ints(operation: HloOperation, name: str) -> list[int]:
    """An integer list attribute of an operation."""
    return [int(n) for n in np.ravel(operation.attribute(name))]
