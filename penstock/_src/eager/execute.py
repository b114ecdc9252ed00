"""Eager execution of an op: bind the arguments, run the kernel, wrap the results, record on the tapes."""

import functools
import itertools
import math
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.core import convert, dispatch, dtypes
from penstock._src.core.calls.attributes import attribute_key
from penstock._src.core.calls.binding import bind
from penstock._src.core.calls.refusals import refusal_of_values
from penstock._src.core.convert import is_holder
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import OpError
from penstock._src.core.op import Op, group_arguments, refusal_of_reference
from penstock._src.core.tensor import NEXT_ID
from penstock._src.core.values.arrays import FLOAT32_MAX
from penstock._src.core.values.resources import HERE, host_value
from penstock._src.eager.compiled import (
    is_large,
    is_worth_compiling,
    least_compiled,
    run_compiled,
    run_program,
)
from penstock._src.eager.constants import integer
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.native_forms import (
    form_of,
    may_be_quick,
    plain_outputs,
    runner_of,
)
from penstock._src.util import slots
from penstock._src.util.process.compiler import has_compiler
from penstock._src.util.process.layout_samples import admits_native_calls
from penstock._src.util.process.references import mark_shared

if TYPE_CHECKING:
    from penstock._src.native.process.eager_calls.op_calls import Surroundings

# Limit per op class of cached kernels, one for each combination of dtypes and attributes.
MOST_BOUND = 1024
# Calls of a kernel after which native code makes them. If no native code is loaded yet, all kernels together must reach MANY calls,
# which take as long as loading it: some 50 ms.
OFTEN = 1000
MANY = 20_000
# Limit per op class of the kernels that native code knows: it looks at one after the other.
MOST_QUICK = 12

_NUMBERS = frozenset({bool, int, float})
_TEXTS = frozenset({str, bytes})
_INT32 = 1 << 31
# NumPy's scalars whose values never change the dtype that they are bound to.
_SCALARS = frozenset({np.bool_, np.int32, np.float32})
_FLOATS = frozenset({float, np.float16, np.float32, np.float64})
# Types of attributes whose values may be equal as keys though they differ.
_EQUAL_TO_OTHERS = _FLOATS | {list, tuple}
MAKING = threading.Lock()
_CALLS: list[int] = []  # counted so far, while no native code is loaded
_PLAIN = _NUMBERS | _TEXTS | _SCALARS | {EagerTensor, np.ndarray}
_BOUND_AS_THEY_ARE = _PLAIN | {list}


class Kernel:
    """An op bound to the dtypes of its inputs; `compiles_from` is 0 if its calls are never compiled.

    `types` are the dtypes of the inputs; `dtype` and `storage`, a NumPy dtype, are those of the output, or None if there is not just one.
    `outputs` are the dtypes of all outputs that may come from native code, if they are arrays of numbers; otherwise there are none.
    """

    __slots__ = (
        "op", "run", "types", "dtype", "storage", "is_plain", "outputs", "compiles_from", "attributes",
        "calls_left", "flushes",
    )  # fmt: skip

    def __init__(self, op: Op, types: tuple[DType, ...], attributes: dict[str, Any]) -> None:
        self.op, self.run, self.types = op, runner_of(op), types
        # As the call gave them; and the calls after which native code takes over.
        self.attributes, self.calls_left, self.flushes = attributes, OFTEN, op.computes_floats
        dtype = op.output_dtypes[0] if len(op.output_dtypes) == 1 else None
        self.dtype: Any = None if type(dtype) is tuple else dtype
        self.storage = None if self.dtype is None else self.dtype.np
        self.is_plain = self.storage is not None and self.storage.kind != "O"
        self.outputs = plain_outputs(op)
        self.compiles_from = least_compiled(op) if types and is_worth_compiling(op) else 0

    def mark_shared(self, key: tuple[Any, ...]) -> None:
        """Notes that all threads read this and look it up under a key."""
        mark_shared(key, self.op, self.run, self.types, self.storage)


def execute(cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Runs an op now. See `util.slots.RUN_EAGERLY`."""
    bound = cls.bound
    kernel: Kernel | None = None
    values: Sequence[Any] = ()
    if attrs or len(inputs) > 2:
        if bound and all([type(tensor) is EagerTensor for tensor in inputs]):
            kernel = _bound_to(bound, inputs, attrs)
            values = [tensor._value for tensor in inputs]
    elif len(inputs) == 2:
        x, y = inputs
        if type(x) is EagerTensor and type(y) is EagerTensor:
            # Use enum values as keys: they hash without a Python call.
            types = x._dtype._enum, y._dtype._enum
            kernel, values = bound.get(types), (x._value, y._value)
    elif inputs and type(inputs[0]) is EagerTensor:
        (x,) = inputs
        kernel, values = bound.get((x._dtype._enum,)), (x._value,)
    if kernel is not None:
        return _run_kernel(kernel, inputs, values)
    # Not eager tensors, or a first call with these dtypes: the general path binds the op or raises.
    return _execute_mixed(cls, inputs, attrs) if bound else _execute_any(cls, inputs, attrs)


def is_unobserved() -> bool:
    """True if an op of this thread would run now, in this process, with nothing that sees it."""
    return not (
        STATE.graph is not None
        or STATE.accumulators
        or STATE.tapes
        or dispatch.OBSERVED
        or HERE.maker is not None
        or slots.RUN_EAGERLY is not execute
    )


def _bound_to(
    bound: dict[Any, Kernel], tensors: Sequence[Any], attrs: dict[str, Any]
) -> Kernel | None:
    """Returns the cached kernel for these dtypes and attributes, or None."""
    try:
        return bound.get((*[tensor._dtype._enum for tensor in tensors], *_key_of(attrs)))
    except TypeError:  # an unhashable attribute
        return None


def _key_of(attrs: dict[str, Any]) -> tuple[Any, ...]:
    """Returns the part of a cached kernel's key that stands for its attributes.

    As keys True == 1 and 0.0 == -0.0, but as attributes they differ: the types are part of it, and zeros stand as text.
    """
    if not attrs:
        return ()
    kinds = tuple(map(type, attrs.values()))
    if _EQUAL_TO_OTHERS.isdisjoint(kinds):
        return (*attrs.items(), *kinds)
    elements = [_key_of_list(v) if type(v) in (list, tuple) else v for v in attrs.values()]
    if not _FLOATS.isdisjoint(kinds):
        elements = [attribute_key(v) if type(v) in _FLOATS and not v else v for v in elements]
    return (*zip(attrs, elements), *kinds)


def _key_of_list(values: Sequence[Any]) -> Any:
    kinds = tuple(map(type, values))
    if _FLOATS.isdisjoint(kinds):
        return (*values, *kinds)
    key = attribute_key(values)
    return key if type(key) is bytes else (key, *kinds)  # bytes stand for floats alone


def _run_kernel(kernel: Kernel, inputs: Sequence[Any], values: Sequence[Any]) -> Any:
    """Runs a kernel on tensors of its dtypes and records it on the tapes."""
    value = value_of(kernel, values)
    left = kernel.calls_left = kernel.calls_left - 1
    if not left and may_be_quick(kernel):
        _count(kernel)
    if not kernel.is_plain:
        return _finish(kernel, inputs, value)
    output = EagerTensor(value, kernel.dtype)
    if STATE.tapes or STATE.accumulators:
        dispatch.record(kernel.op, inputs, (output,))
    return output


def value_of(kernel: Kernel, values: Sequence[Any]) -> Any:
    """Returns what a kernel gives for values of its dtypes: if that is one array of numbers, in the dtype of its output."""
    try:
        large = kernel.compiles_from
        if large and (values[0].size >= large or values[-1].size >= large):
            value = run_compiled(kernel.op, values)
        else:
            run = kernel.run
            value = slots.CALL_FLUSHING(run, *values) if kernel.flushes else run(*values)
    except Exception as error:
        raise _naming_op(kernel.op, error, values)  # noqa: B904 - it is the error itself, or has it as its cause
    if kernel.is_plain and (type(value) is not np.ndarray or value.dtype is not kernel.storage):
        value = np.asarray(value, kernel.storage)
    return value


def _count(kernel: Kernel) -> None:
    """Has native code make the calls of a kernel that was called often, once loading that code pays."""
    if is_worth_loading():
        _make_quick(kernel)
    else:
        kernel.calls_left = OFTEN


def is_worth_loading() -> bool:
    """Counts OFTEN calls; True if native code for them pays now."""
    if sum(_CALLS) < MANY:
        _CALLS.append(OFTEN)
    return loads_native_code()


class FrequentCalls:
    """Calls that Python makes until there were so many that native code for them pays."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = OFTEN

    def count(self) -> None:
        """Counts a call that Python makes; has native code make them once that pays."""
        self.left -= 1
        if self.left:
            return
        self.left = OFTEN
        if is_worth_loading():
            self._load()
            self.left = -1  # it never comes to zero

    def _load(self) -> None:
        """Has native code make the calls from now on."""
        raise NotImplementedError


def loads_native_code() -> bool:
    """True if native code may make calls, and is loaded or worth loading by now."""
    is_loaded = "penstock._src.native.kernels" in sys.modules
    return (is_loaded or sum(_CALLS) >= MANY) and has_compiler() and admits_native_calls()


def _first_flushing(function: Callable[..., Any], *args: Any) -> Any:
    """Loads native code that sets the processor's mode, with which `function` and all later ones are called."""
    # Only for programs that compute floats.
    from penstock._src.native.pool import pool
    from penstock._src.native.systems import runs_native_code

    slots.CALL_FLUSHING = pool().call_flushing if runs_native_code() else _call
    return slots.CALL_FLUSHING(function, *args)


def _make_quick(kernel: Kernel) -> None:
    """Has native code make the calls of a kernel from now on, if it can."""
    # Only for programs that make many eager calls: it loads what writes native code.
    from penstock._src.native.process.eager_calls.op_calls import op_call

    cls = type(kernel.op)
    with MAKING:
        if len(cls.quick_forms) >= MOST_QUICK:
            return
        cls.quick_forms = (*cls.quick_forms, form_of(kernel, value_of))
        quick = op_call(len(kernel.types), cls.quick_forms, surroundings())
        cls.quick = quick
        for scope in cls.scopes:
            scope["quick"] = quick


@functools.cache
def surroundings() -> "Surroundings":
    from penstock._src.native.process.eager_calls.op_calls import Surroundings  # as in _make_quick

    return Surroundings(
        tensor=EagerTensor(np.zeros(1), dtypes.float64), state=STATE, slots=vars(slots), run_name="RUN_EAGERLY",
        run=execute, number=NEXT_ID, record=dispatch.record,
    )  # fmt: skip


def _finish(kernel: Kernel, inputs: Sequence[Any], value: Any) -> Any:
    """Wraps what a kernel returns that is not one array of numbers, and records it on the tapes."""
    op, dtype = kernel.op, kernel.dtype
    if not op.output_dtypes and not (STATE.tapes or STATE.accumulators):
        return None
    outputs = wrap(op, value) if dtype is None else [_wrap_one(value, dtype)]
    if STATE.tapes or STATE.accumulators:
        dispatch.record(op, inputs, outputs)
    return arrange(op, outputs) if dtype is None else outputs[0]


def _execute_mixed(cls: type[Op], inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Run an op with arrays, numbers, variables or lists among its inputs, if a kernel is cached for inputs of these kinds."""
    inputs = [value if type(value) in _PLAIN else _as_input(value) for value in inputs]
    values = inputs
    kind = _kind_in_lists if cls.traits.takes_lists else _kind
    try:
        if _BOUND_AS_THEY_ARE.issuperset(map(type, inputs)):
            kernel = cls.bound[(*map(kind, inputs), *_key_of(attrs))]
        else:
            values = [convert.convert_to_tensor(v) if is_holder(type(v)) else v for v in inputs]
            kernel = cls.bound[(*map(_kind_of_held, inputs, values), *_key_of(attrs))]
    except (KeyError, TypeError):
        return _execute_any(cls, inputs, attrs)
    inputs = values
    if cls.traits.takes_lists:
        return _run_on_lists(kernel, inputs)
    tensors = [
        value if type(value) is EagerTensor else _tensor_of(value, dtype)
        for value, dtype in zip(inputs, kernel.types)
    ]
    if cls.quick is not None:
        # Its inputs are tensors now.
        result = cls.quick(attrs, *tensors)
        if result is not None:
            return result
    return _run_kernel(kernel, tensors, [tensor._value for tensor in tensors])


def _run_on_lists(kernel: Kernel, inputs: Sequence[Any]) -> Any:
    """Run a kernel with lists of tensors among its inputs."""
    tensors: list[EagerTensor] = []
    values: list[Any] = []
    for value in inputs:
        if type(value) is list:
            tensors += value
            values.append([tensor._value for tensor in value])
        else:
            if type(value) is not EagerTensor:
                value = _tensor_of(value, kernel.types[len(tensors)])
            tensors.append(value)
            values.append(value._value)
    return _run_kernel(kernel, tensors, values)


def _as_input(value: Any) -> Any:
    """Replaces a variable by its value, also inside a list or tuple, which becomes a list."""
    if type(value) in (list, tuple):
        return [one if type(one) in _PLAIN else _as_input(one) for one in value]
    return convert.convert_to_tensor(value) if hasattr(value, "_is_tensor_like") else value


def _kind(value: Any) -> Any:
    """Returns the part of an input that determines the dtypes an op is bound to.

    Raises:
      TypeError: the dtypes depend on the value itself, such as an integer beyond int32.
    """
    kind = type(value)
    if kind is EagerTensor:
        return value._dtype._enum
    if kind is np.ndarray:
        return value.dtype
    if kind is list:
        return list, _kind_of_elements(value)
    if kind in _SCALARS:
        return kind
    if kind is int and -_INT32 <= value < _INT32 or kind is bool or kind in _TEXTS:
        return kind
    if kind is float and not FLOAT32_MAX < abs(value) < math.inf:
        return kind
    raise TypeError


def _kind_of_held(value: Any, tensor: Any) -> Any:
    """Returns the kind of an input, or the class and the kind of the tensor that it was converted to. Raises TypeError as `_kind` does.

    Such objects are bound in another way than tensors: they do not determine the dtype of numbers before them.
    """
    return _kind(value) if tensor is value else (type(value), _kind(tensor))


def _kind_of_elements(values: list[Any]) -> type:
    """Returns the kind of all numbers or strings in a list, or in lists of one length. Raises TypeError as `_kind` does."""
    if values and type(values[0]) is list:
        length = len(values[0])
        if any(type(row) is not list or len(row) != length for row in values):
            raise TypeError
        values = list(itertools.chain.from_iterable(values))
    kind, *others = set(map(type, values)) or (None,)
    if others:
        raise TypeError
    if kind is int and -_INT32 <= min(values) and max(values) < _INT32 or kind in _TEXTS:
        return kind
    if kind is float and not any(FLOAT32_MAX < abs(value) < math.inf for value in values):
        return kind
    raise TypeError


def _kind_in_lists(value: Any) -> Any:
    """Returns the kind of an input of an op that takes lists of tensors. Raises TypeError as `_kind` does."""
    if type(value) is not list:
        return _kind(value)
    kinds = [one._dtype._enum if type(one) is EagerTensor else None for one in value]
    if kinds and None not in kinds:
        return tuple(kinds)
    raise TypeError


def _tensor_of(value: Any, dtype: DType) -> EagerTensor:
    """Returns an array of this dtype, a number or lists of numbers as a tensor."""
    if type(value) is np.ndarray:
        return EagerTensor(value.copy(), dtype)
    if type(value) in _SCALARS:
        return EagerTensor(np.asarray(value), dtype)
    if type(value) is int:
        return integer(value, dtype)
    if type(value) is list and (dtype is dtypes.int32 or dtype is dtypes.int64):
        # They are ints: the kernel was found by their kind, and was bound to them.
        return EagerTensor(np.array(value, dtype.np), dtype)
    return convert.convert_to_tensor(value, dtype)


def _execute_any(cls: type[Op], inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    if cls.traits.has_refs:
        raise RuntimeError(refusal_of_reference(cls))
    key = _key_of(attrs)
    tensors, op = bind(cls, inputs, attrs, False)
    outputs = run(op, tensors)
    if not op.host_kernel.is_program and len(cls.bound) < MOST_BOUND:
        _keep(cls, inputs, tensors, attrs, key, op)
    if STATE.tapes or STATE.accumulators:
        dispatch.record(op, tensors, outputs)
    return arrange(op, outputs)


def _keep(
    cls: type[Op],
    inputs: Sequence[Any],
    tensors: list[Any],
    given: dict[str, Any],
    attrs: tuple[Any, ...],
    op: Op,
) -> None:
    """Caches the kernel of `op` by the dtypes of its tensors and by the kinds of its inputs."""
    types: Sequence[Any] = tuple([t.dtype for t in tensors])
    try:
        if cls.traits.takes_lists:
            kernel = Kernel(op, tuple(types), dict(given))
            inputs, types = list(map(_as_input, inputs)), group_arguments(op.inputs, op, types)
        else:
            by_dtypes = (*[dtype._enum for dtype in types], *attrs)
            known = cls.bound.get(by_dtypes)
            # Objects that convert themselves are bound at each call.
            kernel = Kernel(op, tuple(types), dict(given)) if known is None else known
            if known is None:
                kernel.mark_shared(by_dtypes)
                cls.bound[by_dtypes] = kernel
        if all(_follows(cls, at, inputs, dtype) for at, dtype in enumerate(types)):
            if cls.traits.takes_lists:
                by_kinds = (*map(_kind_in_lists, inputs), *attrs)
            else:
                values = [t if is_holder(type(v)) else v for v, t in zip(inputs, tensors)]
                by_kinds = (*map(_kind_of_held, inputs, values), *attrs)
            kernel.mark_shared(by_kinds)
            cls.bound[by_kinds] = kernel
    except TypeError:
        # An unhashable attribute, such as a list, or another kind of input: bind such calls each time.
        return


def _follows(cls: type[Op], at: int, inputs: Sequence[Any], dtype: DType) -> bool:
    """True if the kinds of the inputs alone determine the dtype that an input is converted to."""
    value, argument = inputs[at], cls.inputs[at]
    if type(value) is np.ndarray:
        return value.dtype is dtype.np and dtype.np.kind != "O"
    if type(value) in _SCALARS:
        return value.dtype is dtype.np
    if type(value) in (EagerTensor, *_TEXTS) or argument.dtype is not None:
        return True
    kinds = [type(x) for x, of in zip(inputs, cls.inputs) if of.type_attr == argument.type_attr]
    # Without a tensor, arrays may say by their values whether integers are of 64 bits.
    return EagerTensor in kinds or np.ndarray not in kinds


def run(op: Op, tensors: list[Any]) -> list[EagerTensor]:
    """Runs the kernel of `op` on eager tensors; returns the flat list of outputs."""
    try:
        values = [tensor._value for tensor in tensors]
    except AttributeError:
        raise _out_of_scope(op, tensors) from None
    return wrap(op, run_kernel(op, values))


def run_kernel(op: Op, values: list[Any]) -> Any:
    """Calls `op.eager` with the values of list arguments grouped into lists; large inputs run a compiled program."""
    try:
        if op.host_kernel.is_program and has_compiler():
            return run_program(op, values)
        if is_large(op, values) and is_worth_compiling(op):
            return run_compiled(op, values)
        if op.traits.takes_lists:
            return op.compute(*group_arguments(op.inputs, op, values))
        return op.compute(*values)
    except Exception as error:
        raise _naming_op(op, error, group_arguments(op.inputs, op, values))  # noqa: B904 - it is the error itself, or has it as its cause


def _naming_op(op: Op, error: Exception, values: Sequence[Any]) -> Exception:
    """Returns the error to raise for a kernel's error; the message of an OpError ends with the op's name."""
    refusal = refusal_of_values(op, error, values)
    if isinstance(refusal, OpError) and refusal._message and "[Op:" not in refusal._message:
        refusal._message = f"{refusal._message} [Op:{op.op_type}]"
        refusal.args = (refusal._message,)
    return refusal


def wrap(op: Op, result: Any) -> list[EagerTensor]:
    """Wraps the result of a kernel in eager tensors of the dtypes that the op declares."""
    types = op.output_dtypes
    if len(types) == 1:
        result = (result,)
    elif not types:
        return []
    outputs: list[EagerTensor] = []
    for value, dtype in zip(result, types, strict=True):
        if type(dtype) is tuple:
            outputs.extend(
                [
                    EagerTensor(part, each)
                    if type(part) is np.ndarray and part.dtype is each.np
                    else _wrap_one(part, each)
                    for part, each in zip(value, dtype)
                ]
            )
        else:
            outputs.append(_wrap_one(value, dtype))
    return outputs


def _wrap_one(value: Any, dtype: DType) -> EagerTensor:
    return EagerTensor(host_value(value, dtype), dtype)


def arrange(op: Op, flat: list[Any]) -> Any:
    """Returns the outputs in the form that a raw op returns."""
    types = op.output_dtypes
    if len(types) == 1:
        return flat if type(types[0]) is tuple else flat[0]
    if not types:
        return None
    return type(op).output_tuple()(*group_arguments(op.outputs, op, flat))


def _out_of_scope(op: Op, tensors: list[Any]) -> TypeError:
    tensor = next(t for t in tensors if not isinstance(t, EagerTensor))
    location = getattr(tensor.op, "location", None)
    line = f" ({location})" if location else ""
    return TypeError(
        f"{op.op_type}: the tensor '{tensor.name}' belongs to a graph and has no value here. It was made "
        f"inside a tf.function or tf.Graph{line} and is out of scope: return it from the function instead "
        "of keeping it."
    )


slots.RUN_EAGERLY = execute
_call, slots.CALL_FLUSHING = slots.CALL_FLUSHING, _first_flushing
