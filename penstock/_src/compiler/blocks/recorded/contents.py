"""Contents of sections: texts that only sections with the same operations have, in any process."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.section import Section
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.control import bodies_of
from penstock._src.graph.library import GraphFunction

_OPS = "penstock._src.ops."  # the modules of our own vocabulary
_MOST_BYTES = 16 << 20  # of a constant in a section with a content


def content_of(section: Section) -> str | None:
    """A text that only sections with the same operations have, in any process; None if a part has no permanent form.

    Operations must be of Penstock's own vocabulary, whose sources records name. The functions that they hold are part of the content.
    """
    if section.device is not None or section.why_host or section.values != () or section.host:
        return None
    if section.for_host or any(t._id in section.constants for t in section.inputs):
        return None
    try:
        contents = _Contents()
        contents.read_functions(section.ops)
        return contents.of(section.ops, section.inputs, section.outputs, ())
    except (KeyError, TypeError):  # what it reads is elsewhere; an attribute without a form
        return None


class _Contents:
    """Contents of operations and of the functions that these hold; each function is read once."""

    def __init__(self) -> None:
        # By ids: the function, and its content once it is known.
        self._functions: dict[int, tuple[GraphFunction, str | None]] = {}
        # By ids of ops, which operations share: the op, and its type with the text of its attributes.
        self._ops: dict[int, tuple[Op, str]] = {}

    def read_functions(self, ops: Sequence[Any]) -> None:
        """Notes the contents of the functions that operations hold, the innermost first: they may be nested deeper than Python's stack.

        Args:
          ops: the operations.

        Raises:
          KeyError: as in `of`.
          TypeError: as in `of`, or a function calls itself, or its file says more about it.
        """
        path: list[tuple[GraphFunction | None, Iterator[GraphFunction]]] = [(None, _held_by(ops))]
        while path:
            function, held = path[-1]
            inner = next((each for each in held if id(each) not in self._functions), None)
            if inner is not None:
                self._functions[id(inner)] = inner, None
                path.append((inner, _held_by(inner.graph._operations)))
                continue
            path.pop()
            if function is not None:
                self._functions[id(function)] = function, self._content(function)

    def of(
        self,
        ops: Sequence[Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        targets: Sequence[Any],
    ) -> str:
        """The content of operations.

        Args:
          ops: in the order of the graph.
          inputs: tensors from elsewhere, or of placeholders among the operations.
          outputs: results.
          targets: operations that run though no output needs them.

        Raises:
          KeyError: an operation reads a tensor that is neither an input nor a result of an earlier one.
          TypeError: a part has no permanent form.
        """
        numbers = {t._id: f"i{at}" for at, t in enumerate(inputs)}
        positions: dict[int, int] = {}
        parts = [self._form(t) for t in inputs]
        # Some ops of a function with `jit_compile` have other values than elsewhere.
        parts.extend("whole" for op in ops[:1] if op.graph.runs_whole)
        for at, op in enumerate(ops):
            if op.python_function is not None:
                raise TypeError(op.type)
            # Control inputs are a set: sorted, so that the text is the same in each process.
            control = op._control_inputs
            before = control and sorted(positions[id(c)] for c in control if id(c) in positions)
            read = [numbers[t._id] for t in op._inputs]
            results = [self._form(t) for t in op._outputs]
            parts.append(f"{read} {before} {op._device} {self._op(op.raw_op)} {results}")
            positions[id(op)] = at
            numbers.update({t._id: f"{at}:{n}" for n, t in enumerate(op._outputs)})
        # By position, not by name: names differ between traces of the same code.
        ends = [numbers[t._id] for t in inputs], [numbers[t._id] for t in outputs]
        parts.append(repr((*ends, [positions[id(op)] for op in targets])))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _op(self, op: Op) -> str:
        """The type of an op with its attributes.

        Raises:
          KeyError: as in `of`.
          TypeError: as in `of`.
        """
        known = self._ops.get(id(op))
        if known is None:
            if not type(op).__module__.startswith(_OPS):
                raise TypeError(op.op_type)
            attributes = {name: self._text(value) for name, value in op.attrs.items()}
            known = self._ops[id(op)] = op, f"{op.op_type} {attributes}"
        return known[1]

    def _content(self, function: GraphFunction) -> str:
        """The content of a function; those that it holds are known.

        Raises:
          KeyError: as in `of`.
          TypeError: as in `of`, or its file says more about it.
        """
        graph = function.graph
        if function.why_host or function.stand_in is not None or function.attributes:
            raise TypeError(function.name)
        content = self.of(
            graph._operations, function.inputs, function.outputs, graph.control_outputs
        )
        return f"{content} {(graph.redirects_values, graph.runs_whole)}"

    def _known(self, function: GraphFunction) -> str:
        """The content of a function that was read.

        Raises:
          KeyError: it was not read.
          TypeError: it calls itself.
        """
        _, content = self._functions[id(function)]
        if content is None:
            raise TypeError(f"{function.name} calls itself")
        return content

    def _text(self, value: Any) -> str:
        """The text of an attribute, which no other value has.

        Raises:
          KeyError: as in `of`.
          TypeError: it has no permanent form, or is too large.
        """
        if isinstance(value, tuple | list):
            return f"({', '.join(map(self._text, value))})"
        if isinstance(value, np.ndarray) and value.dtype != object and value.nbytes <= _MOST_BYTES:
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return f"{value.dtype.str} {value.dtype.name} {value.shape} {digest}"
        if isinstance(value, TensorShape):
            return f"shape {value._dims}"
        if isinstance(value, DType):
            return f"type {value.name}"
        if value is None or type(value) in (bool, int, float, str, bytes):
            return f"{type(value).__name__} {value!r}"
        if type(value) is GraphFunction:
            return f"function {self._known(value)}"
        raise TypeError(type(value).__name__)

    def _form(self, tensor: Any) -> str:
        """The dtype and shape of a tensor, and of the variables or lists that it refers to.

        Raises:
          TypeError: these have no permanent form.
        """
        held = "" if tensor._handle_data is None else self._text(tensor._handle_data)
        return f"{tensor.dtype.name}{tensor.shape._dims}{held}"


def _held_by(ops: Sequence[Any]) -> Iterator[GraphFunction]:
    """The functions that operations hold."""
    each = {id(op.raw_op): op for op in ops}.values()  # others hold the same
    return (function for op in each for function in bodies_of(op))
