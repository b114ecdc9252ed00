"""Public functions whose eager calls native code makes whole, after many calls of a kind.

A function that is marked `direct` promises that which op it runs, and on which constants, follows from the dtypes and ranks of its tensors and from its other
arguments, never from the tensors' values, their extents or a mode. Then one recorded call says what all calls of its kind do:
`native/process/eager_calls/direct_calls.py`. An attribute may follow from extents if the kernel raises for others: the function makes such calls.
"""

import dataclasses
import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.core.op import group_arguments
from penstock._src.eager import execute
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.native_forms import CONSTANTS, form_of, may_be_quick
from penstock._src.util.process.quiet import made_quiet

from .op_sequences import MOST_OPS, OpSequence

if TYPE_CHECKING:
    from penstock._src.native.process.eager_calls.direct_calls import DirectForm

# Limit per function of the kinds of calls that native code knows: it looks at one after the other.
MOST_FORMS = 16
_ALL: "weakref.WeakSet[DirectCalls]" = weakref.WeakSet()


class _Recorder:
    """Keeps the ops that run while it is among the thread's accumulators."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Sequence[Any], Sequence[Any]]] = []

    def record_op(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Note an op that has run."""
        self.calls.append((op, inputs, outputs))


class DirectCalls:
    """The eager calls of a function.

    Args:
      function: the function.
      may_draw: True if the calls may be of stateful ops, all of the same one.
      runs_several: True if what is promised holds for functions of several ops, given tensors of floats.

    Attributes:
      quick: native code that makes calls from their arguments and gives None for those that it does not know; or None.
      left: calls that it does not know until one of them is recorded, by `learn`.
    """

    __slots__ = (
        "__weakref__",
        "_forms",
        "_function",
        "_may_draw",
        "_runs_several",
        "left",
        "quick",
    )

    def __init__(
        self, function: Callable[..., Any], may_draw: bool = False, runs_several: bool = False
    ) -> None:
        self._function, self._may_draw, self._runs_several = function, may_draw, runs_several
        self._forms: tuple[DirectForm, ...] = ()
        self.quick: Any = None
        self.left = execute.OFTEN
        _ALL.add(self)

    def learn(self, *args: Any, **kwargs: Any) -> Any:
        """Makes a call, and has native code make those like it from now on, if it can."""
        self.left = execute.OFTEN
        if not execute.loads_native_code():
            return self._function(*args, **kwargs)
        recorder, before = _Recorder(), STATE.accumulators
        given = args, kwargs
        if not (before or STATE.tapes):
            args, kwargs = _with_distinct_tensors(args, kwargs)
        STATE.accumulators = (*before, recorder)
        try:
            result = self._function(*args, **kwargs)
        finally:
            STATE.accumulators = before
        if not recorder.calls:
            # It may have given an argument itself, not a copy.
            return self._function(*given[0], **given[1])
        if 1 < len(recorder.calls) <= MOST_OPS:
            several = self._runs_several and _form_of_sequence(recorder.calls, result, args, kwargs)
            if several:
                self._add(several)
        elif len(recorder.calls) == 1:
            op, inputs, outputs = recorder.calls[0]
            arrangement = _arrangement_of(result, outputs)
            form = None
            if arrangement is not None and (self._may_draw or not op.stateful):
                form = _form_of(op, inputs, args, kwargs)
            if arrangement is not None and form is not None:
                container, results = arrangement
                made = dataclasses.replace(form.op, container=container, results=results)
                self._add(dataclasses.replace(form, op=made))
        return result

    def _add(self, form: "DirectForm") -> None:
        # Only for programs that make many eager calls: it loads what writes native code.
        from penstock._src.native.process.eager_calls.direct_calls import direct_call

        with execute.MAKING:
            if any(form.serves_as(known) for known in self._forms):
                return  # native code left this call for its size, or after an error
            self._forms = (*self._forms, form)
            self.quick = direct_call(self._forms, _surroundings())
            if len(self._forms) >= MOST_FORMS:
                self.left = -1  # it never comes to zero

    def forget(self) -> None:
        """Leaves all calls to the function again."""
        with execute.MAKING:
            self._forms, self.quick, self.left = (), None, execute.OFTEN


def forget_all() -> None:
    """Leaves all calls to Python again: a mode has changed on which conversions depend."""
    for calls in list(_ALL):
        calls.forget()


@functools.cache
def _surroundings() -> Any:
    """Returns what native code looks at and calls; sequences of ops are recorded op by op."""

    def record(op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        if type(op) is OpSequence:
            op.record(inputs, outputs)
        else:
            dispatch.record(op, inputs, outputs)

    return dataclasses.replace(execute.surroundings(), record=record)


def _form_of_sequence(
    calls: Sequence[tuple[Any, Sequence[Any], Sequence[Any]]],
    result: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> "DirectForm | None":
    """Returns the form of a call that ran several ops, or None if native code cannot make such calls."""
    # As in _add.
    from penstock._src.native.process.eager_calls.direct_calls import MOST_INPUTS, DirectForm
    from penstock._src.native.process.eager_calls.op_calls import OpForm

    arguments = [_argument_of(value) for value in (*args, *kwargs.values())]
    tensors = list(_tensors_in((*args, *kwargs.values())))
    identities = list(map(id, tensors))
    sequence = OpSequence(calls, identities)
    arrangement = _arrangement_of(result, sequence.outputs)
    if arrangement is None or None in arguments or not 0 < len(tensors) <= MOST_INPUTS:
        return None
    # Values of integers may become attributes of an op, although another op reads them.
    are_floats = all(tensor._dtype.is_floating for tensor in tensors)
    is_plain = len(set(identities)) == len(tensors) and sequence.read.issuperset(range(len(tensors)))  # fmt: skip
    if not (are_floats and is_plain and sequence.is_served()):
        return None
    container, results = arrangement
    sequence.prepare()
    form = OpForm(
        op=sequence, types=[tensor._dtype for tensor in tensors], attributes={}, function=sequence.run,
        fills_arrays=False, is_quiet=True, large=0, outputs=[(x._dtype, x._dtype.np) for x in sequence.outputs],
        is_sequence=True, container=container, results=results,
    )  # fmt: skip
    named = dict(zip(kwargs, arguments[len(args) :], strict=True))
    positions = list(range(len(tensors)))
    return DirectForm(form, arguments[: len(args)], named, positions, positions)


def _arrangement_of(result: Any, outputs: Sequence[Any]) -> tuple[type | None, list[int]] | None:
    """Returns the class of a result that holds outputs of an op, or None if it is one of them, and their positions.

    Returns None if the result is something else.
    """
    from penstock._src.native.process.eager_calls.op_calls import can_contain  # as in _add

    made = list(map(id, outputs))
    if type(result) is EagerTensor:
        return (None, [made.index(id(result))]) if id(result) in made else None
    kind = type(result)
    if kind is not list and not isinstance(result, tuple):
        return None
    if not result or not can_contain(kind) or not set(map(id, result)).issubset(made):
        return None
    return kind, [made.index(id(one)) for one in result]


def _form_of(
    op: Any, inputs: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> "DirectForm | None":
    """Returns the form of a call that ran one op, or None if native code cannot make such calls."""
    from penstock._src.native.process.eager_calls.direct_calls import (  # as in _add
        MOST_INPUTS,
        MOST_TENSORS,
        DirectForm,
    )

    if not all(type(tensor) is EagerTensor for tensor in inputs):
        return None
    kernel = execute.Kernel(op, tuple([tensor._dtype for tensor in inputs]), {})
    if not may_be_quick(kernel, with_lists=True):
        return None
    arguments = [_argument_of(value) for value in (*args, *kwargs.values())]
    tensors = list(map(id, _tensors_in((*args, *kwargs.values()))))
    count = len(tensors)
    # A tensor that is given twice could be either of two inputs.
    if None in arguments or len(set(tensors)) != count or count > MOST_TENSORS:
        return None
    sources = [tensors.index(id(t)) if id(t) in tensors else t for t in inputs]
    # What became of a tensor that is not an input, an attribute maybe, followed from its value.
    if len(inputs) > MOST_INPUTS or not set(range(count)).issubset(
        one for one in sources if type(one) is int
    ):
        return None
    form = form_of(kernel, execute.value_of)
    values: list[Any] = [one if isinstance(one, int) else one._value for one in sources]
    function = None
    if op.eager_given is not None:
        given = group_arguments(op.inputs, op, [tensor._value for tensor in inputs])
        constant = [type(one) is not int for one in sources]
        function = op.eager_given(group_arguments(op.inputs, op, constant), *given)
        if function is not None:
            values = [one for one in values if type(one) is int]
    elif op.traits.has_lists:
        function = _grouping(op)
    if function is not None:
        form = form.with_function(function, _is_quiet(op))
    elif op.traits.has_lists:
        return None
    if not all(type(one) in (int, np.ndarray) for one in values):
        return None
    split = len(args)
    named = dict(zip(kwargs, arguments[split:], strict=True))
    return DirectForm(form, arguments[:split], named, sources, values)


def _with_distinct_tensors(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns the arguments with a copy of each tensor that stands among them again: what is recorded says which of them an input is."""
    tensors = list(map(id, _tensors_in((*args, *kwargs.values()))))
    if len(set(tensors)) == len(tensors):
        return args, kwargs
    met: set[int] = set()

    def distinct(value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)([distinct(one) if type(one) is EagerTensor else one for one in value])  # fmt: skip
        if type(value) is not EagerTensor:
            return value
        if id(value) in met:
            return EagerTensor(value._value, value._dtype)
        met.add(id(value))
        return value

    return tuple(map(distinct, args)), {name: distinct(value) for name, value in kwargs.items()}


def _tensors_in(arguments: Sequence[Any]) -> Iterator[EagerTensor]:
    """Yields the tensors among arguments, and in lists and tuples."""
    for value in arguments:
        if type(value) is EagerTensor:
            yield value
        elif type(value) in (list, tuple):
            yield from [one for one in value if type(one) is EagerTensor]


def _grouping(op: Any) -> Callable[..., Any]:
    """Returns the kernel of an op with lists of tensors as a function of all values."""
    return lambda *values: op.eager(*group_arguments(op.inputs, op, values))


def _is_quiet(op: Any) -> bool:
    """True if an op's kernel runs without NumPy's warnings."""
    kernel = op.eager
    return type(kernel) is MethodType and made_quiet(kernel.__func__) is not None


def _argument_of(value: Any) -> Any:
    """Returns the description of an argument, or None if calls with such arguments may differ."""
    from penstock._src.native.process.eager_calls.direct_calls import (  # as in _add
        ObjectArgument,
        SequenceArgument,
        TensorArgument,
    )

    kind = type(value)
    if kind is EagerTensor:
        # Casts of complex numbers log a warning each time.
        if not value._is_array() or value._dtype.is_complex:
            return None
        return TensorArgument(value._dtype, value._value.ndim)
    if kind in CONSTANTS:
        return ObjectArgument(value)
    if kind not in (list, tuple):
        return None
    if CONSTANTS.issuperset(map(type, value)):
        return SequenceArgument(kind, tuple(value))
    if any(type(one) is not EagerTensor for one in value):
        return None
    elements = tuple([_argument_of(one) for one in value])
    return None if None in elements else SequenceArgument(kind, elements)
