"""Public functions whose eager calls native code makes whole, after many calls of a kind.

A function that is marked `direct` promises that which op it runs, and on which constants, follows from the dtypes and ranks of its tensors and from its other
arguments, never from the tensors' values, their extents or a mode. Then one recorded call says what all calls of its kind do:
`native/process/eager_calls/direct_calls.py`.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.op import group_arguments
from penstock._src.eager import execute
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util.process.quiet import made_quiet

if TYPE_CHECKING:
    from penstock._src.native.process.eager_calls.direct_calls import DirectForm

# Limit per function of the kinds of calls that native code knows: it looks at one after the other.
MOST_FORMS = 16
# Types of arguments whose objects never change.
_CONSTANTS = frozenset({bool, int, float, str, bytes, type(None), DType})
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

    Attributes:
      quick: native code that makes calls from their arguments and gives None for those that it does not know; or None.
      left: calls that it does not know until one of them is recorded, by `learn`.
    """

    __slots__ = ("__weakref__", "_forms", "_function", "left", "quick")

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
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
        STATE.accumulators = (*before, recorder)
        try:
            result = self._function(*args, **kwargs)
        finally:
            STATE.accumulators = before
        if len(recorder.calls) == 1 and type(result) is EagerTensor:
            op, inputs, outputs = recorder.calls[0]
            if len(outputs) == 1 and outputs[0] is result:
                form = _form_of(op, inputs, args, kwargs)
                if form is not None:
                    self._add(form)
        return result

    def _add(self, form: "DirectForm") -> None:
        # Only for programs that make many eager calls: it loads what writes native code.
        from penstock._src.native.process.eager_calls.direct_calls import direct_call

        with execute.MAKING:
            if any(form.serves_as(known) for known in self._forms):
                return  # native code left this call for its size, or after an error
            self._forms = (*self._forms, form)
            self.quick = direct_call(self._forms, execute.surroundings())
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
    if not kernel.is_plain or not execute.may_be_quick(kernel, with_lists=True):
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
    form = execute.form_of(kernel)
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
    if kind in _CONSTANTS:
        return ObjectArgument(value)
    if kind not in (list, tuple):
        return None
    if _CONSTANTS.issuperset(map(type, value)):
        return SequenceArgument(kind, tuple(value))
    if any(type(one) is not EagerTensor for one in value):
        return None
    elements = tuple([_argument_of(one) for one in value])
    return None if None in elements else SequenceArgument(kind, elements)
