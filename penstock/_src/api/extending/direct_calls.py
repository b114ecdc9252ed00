"""Public functions whose eager calls native code makes whole, after many calls of a kind.

A function that is marked `direct` promises that which op it runs, and on which constants, follows from its arguments alone, not from a mode. Then one
recorded call says what all calls of its kind do: `native/process/eager_calls/direct_calls.py`. What the function reads of its tensors while it is recorded
(`reads.py`) says what the kind is: their dtypes and ranks; their extents, too, if it has read extents; and if it has read a value, native code makes
no such call.
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
from penstock._src.util.process.references import FREE_THREADED

from .op_sequences import MOST_OPS, OpSequence
from .reads import unwatched, watching

if TYPE_CHECKING:
    from penstock._src.native.process.eager_calls.direct_calls import DirectForm

# Limit per function of the kinds of calls that native code knows: it looks at one after the other.
MOST_FORMS = 16
_ALL: "weakref.WeakSet[DirectCalls]" = weakref.WeakSet()
# Limit of the doublings of the number of calls between two that are recorded, while those give no form.
_MOST_DOUBLINGS = 20
# An op that has run, its inputs and its outputs.
_Call = tuple[Any, Sequence[Any], Sequence[Any]]
# Positions of variables among the arguments of a call.
Places = tuple[int, ...]


class _Recorder:
    """Keeps the ops that run while it is among the thread's accumulators."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []

    def record_op(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Note an op that has run."""
        self.calls.append((op, inputs, outputs))


class DirectCalls:
    """The eager calls of a function.

    Args:
      function: the function.
      may_draw: True if the calls may be of stateful ops, all of the same one.

    Attributes:
      quick: native code that makes calls from their arguments and gives None for those that it does not know; or None.
      of_variables: the same for calls with variables, by the positions of these. It gets their values.
      left: calls that it does not know until one of them is recorded, by `learn`.
    """

    __slots__ = (
        "__weakref__",
        "_forms",
        "_function",
        "_may_draw",
        "_tries",
        "left",
        "of_variables",
        "quick",
    )

    def __init__(self, function: Callable[..., Any], may_draw: bool = False) -> None:
        self._function, self._may_draw = function, may_draw
        self.quick: Any = None
        self.forget()
        _ALL.add(self)

    def learn(self, args: tuple, kwargs: dict[str, Any], values: tuple, places: Places) -> Any:
        """Makes a call, and has native code make those like it from now on, if it can.

        Args:
          args: the arguments by position.
          kwargs: those by name.
          values: those by position, with the values of variables in their place.
          places: the positions of variables.
        """
        if FREE_THREADED or not execute.loads_native_code():
            self.left = execute.OFTEN
            return self._function(*args, **kwargs)
        # What gives no form is recorded less and less often, and of two kinds of calls in turn not always the same.
        self._tries += 1
        self.left = (execute.OFTEN << min(self._tries, _MOST_DOUBLINGS)) - 1
        recorder, before = _Recorder(), STATE.accumulators
        given = args, kwargs
        if not (before or STATE.tapes):
            args, kwargs = _with_distinct_tensors(args, kwargs)
        STATE.accumulators = (*before, recorder)
        try:
            with watching() as reads:
                result = self._function(*args, **kwargs)
        finally:
            STATE.accumulators = before
        with unwatched():
            described = tuple([values[i] if i in places else one for i, one in enumerate(args)])
            calls = _with_values(recorder.calls, [values[i] for i in places])
            if not calls:
                # It may have given an argument itself, not a copy.
                return self._function(*given[0], **given[1])
            if not reads.values:
                self._know(calls, result, described, kwargs, places, reads.extents)
        return result

    def _know(self, calls: Sequence[_Call], result: Any, args: tuple, kwargs: dict[str, Any], places: Places, extents: bool) -> None:  # fmt: skip
        """Has native code make calls like one that ran these ops, if it can; with the same extents of tensors, or with any."""
        given = [_argument_of(value, extents) for value in (*args, *kwargs.values())]
        tensors = list(_tensors_in((*args, *kwargs.values())))
        form = None if None in given else self._form_of(calls, result, tensors)
        if form is not None:
            named = dict(zip(kwargs, given[len(args) :], strict=True))
            self._add(dataclasses.replace(form, positional=given[: len(args)], named=named), places)

    def _form_of(self, calls: Sequence[_Call], result: Any, tensors: Sequence[EagerTensor]) -> "DirectForm | None":  # fmt: skip
        """Returns the form of a call that ran these ops, without its arguments, or None if native code cannot make such calls."""
        if len(calls) > 1:
            return _form_of_sequence(calls, result, tensors) if len(calls) <= MOST_OPS else None
        ((op, inputs, outputs),) = calls
        arrangement = _arrangement_of(result, outputs)
        if arrangement is None or (op.stateful and not self._may_draw):
            return None
        return _form_of(op, inputs, tensors, *arrangement)

    def _add(self, form: "DirectForm", places: Places) -> None:
        # Only for programs that make many eager calls: it loads what writes native code.
        from penstock._src.native.process.eager_calls.direct_calls import direct_call

        with execute.MAKING:
            forms = self._forms.get(places, ())
            if any(form.serves_as(known) for known in forms):
                return  # native code left this call for its size, or after an error
            self._forms[places] = forms = (*forms, form)
            quick = direct_call(forms, _surroundings())
            if places:
                self.of_variables[places] = quick
            else:
                self.quick = quick
            self.left, self._tries = execute.OFTEN, 0
            if sum(map(len, self._forms.values())) >= MOST_FORMS:
                self.left = -1  # it never comes to zero

    def forget(self) -> None:
        """Leaves all calls to the function again."""
        with execute.MAKING:
            self._forms: dict[Places, tuple[DirectForm, ...]] = {}
            self.quick = None
            self.of_variables: dict[Places, Any] = {}
            self.left, self._tries = execute.OFTEN, 0


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


def _with_values(calls: Sequence[_Call], values: Sequence[EagerTensor]) -> list[_Call]:
    """Returns the ops that ran, without reads of variables and with their values as inputs; a tensor that was read has the array of its variable."""
    arrays = {id(value._value): value for value in values if value._is_array()}
    ops = [
        call
        for call in calls
        if call[0].op_type != "ReadVariableOp" or id(call[2][0]._value) not in arrays
    ]
    return [
        (op, [arrays.get(id(x._value), x) for x in inputs], outputs) for op, inputs, outputs in ops
    ]


def _form_of_sequence(
    calls: Sequence[_Call], result: Any, tensors: Sequence[EagerTensor]
) -> "DirectForm | None":
    """Returns the form of a call that ran several ops, or None if native code cannot make such calls."""
    # As in _add.
    from penstock._src.native.process.eager_calls.direct_calls import MOST_INPUTS, DirectForm
    from penstock._src.native.process.eager_calls.op_calls import OpForm

    identities = list(map(id, tensors))
    sequence = OpSequence(calls, identities)
    arrangement = _arrangement_of(result, sequence.outputs)
    if arrangement is None or not 0 < len(tensors) <= MOST_INPUTS:
        return None
    is_plain = len(set(identities)) == len(tensors) and sequence.read.issuperset(range(len(tensors)))  # fmt: skip
    if not (is_plain and sequence.is_served()):
        return None
    container, results = arrangement
    sequence.prepare()
    form = OpForm(
        op=sequence, types=[tensor._dtype for tensor in tensors], attributes={}, function=sequence.run,
        fills_arrays=False, is_quiet=True, large=0, outputs=[(x._dtype, x._dtype.np) for x in sequence.outputs],
        is_sequence=True, container=container, results=results,
    )  # fmt: skip
    positions = list(range(len(tensors)))
    return DirectForm(form, positions, positions)


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
    op: Any,
    inputs: Sequence[Any],
    tensors: Sequence[EagerTensor],
    container: type | None,
    results: Sequence[int],
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
    identities = list(map(id, tensors))
    count = len(tensors)
    # A tensor that is given twice could be either of two inputs.
    if len(set(identities)) != count or count > MOST_TENSORS:
        return None
    sources = [identities.index(id(t)) if id(t) in identities else t for t in inputs]
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
    return DirectForm(
        dataclasses.replace(form, container=container, results=results), sources, values
    )


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


def _argument_of(value: Any, extents: bool) -> Any:
    """Returns the description of an argument, with the extents of tensors or without, or None if calls with such arguments may differ."""
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
        own = value._value.shape
        return TensorArgument(value._dtype, len(own), own if extents else None)
    if kind in CONSTANTS:
        return ObjectArgument(value)
    if kind not in (list, tuple):
        return None
    if CONSTANTS.issuperset(map(type, value)):
        return SequenceArgument(kind, tuple(value))
    if any(type(one) is not EagerTensor for one in value):
        return None
    elements = tuple([_argument_of(one, extents) for one in value])
    return None if None in elements else SequenceArgument(kind, elements)
