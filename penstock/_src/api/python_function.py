"""tf.py_function and tf.numpy_function: Python functions inside graphs."""

import collections
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff.custom import custom_gradient
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.autodiff.nodes import make_op, record_node
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.operation import Operation
from penstock._src.ops.control.python_call import calling, register
from penstock._src.util import nest
from penstock._src.util.export import export

# Maximum number of calls of one operation whose tapes are kept for gradients.
_KEPT_CALLS = 64


@export("numpy_function")
def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Any = None,
    Tout: Any = None,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """Returns what a Python function computes of arrays, as an operation of a graph.

    The function gets NumPy arrays at each run. No gradient flows through it.

    Args:
      func: a function of arrays that returns one or a list of arrays.
      inp: a list of tensors.
      Tout: the dtype of the result, or a list of dtypes.
      stateful: whether the function has effects, so that it must run each time.
      name: a name for the operation.

    Returns:
      A tensor or a list of tensors, whose static shape is unknown.

    Raises:
      InvalidArgumentError: the function returns another number of values or another dtype.
      TypeError: `Tout` is missing, or `inp` if there is a function, or `inp` is given to a decorator.

    >>> tf.numpy_function(np.cumsum, [tf.constant([1.0, 2.0])], tf.float32).numpy()
    array([1., 3.], dtype=float32)
    """
    decorator = decorator_unless_called(
        numpy_function, "tf.numpy_function", func, inp, Tout, stateful=stateful, name=name
    )
    if func is None or decorator is not None:
        return decorator
    form, types, is_list, shapes = _output_types(Tout)
    if STATE.graph is None:
        return _called_now(func, [np.array(x) for x in inp or []])
    _check_callable(func)
    tensors = [convert_to_tensor(x) for x in inp or []]
    function = _with_plain_scalars(func)
    token, callback = register(function)
    call = raw.PyFunc if stateful else raw.PyFuncStateless
    outputs = call(input=tensors, token=token, Tout=types, name=name)
    return _arranged(outputs, callback, is_list, form, shapes)


def _check_callable(func: Any) -> None:
    if not callable(func):
        raise ValueError(
            f"Expected func to be callable. Received func={func} of type {type(func)}."
        )


def decorator_unless_called(
    call: Callable[..., Any],
    called_name: str,
    /,
    func: Callable[..., Any] | None = None,
    inp: Any = None,
    Tout: Any = None,
    **kwargs: Any,
) -> Any:
    """Checks the arguments of a call; without a function, returns a decorator that makes the call.

    Args:
      call: takes a function, its inputs, `Tout` and `kwargs`.
      called_name: of `call`, for messages.
      func: the function, or None.
      inp: its inputs.
      Tout: the dtypes of its results.
      **kwargs: more arguments of `call`.

    Returns:
      None if there is a function, else a decorator of functions.

    Raises:
      TypeError: an argument is missing, or `inp` is given without a function.
    """
    if Tout is None:
        raise TypeError(
            f"Missing required argument: 'Tout'\n  If using {called_name} as a decorator, set `Tout`\n"
            f"  **by name** above the function:\n  `@{called_name}(Tout=tout)`"
        )
    if func is not None:
        if inp is None:
            raise TypeError(
                "Missing argument `inp`:\n  You must set the `inp` argument (the list of arguments to the\n"
                f"  function), unless you use `{called_name}` as a decorator (without a function)."
            )
        return None
    if inp is not None:
        raise TypeError(
            f"Don't set the `inp` argument when using {called_name} as a decorator (`func=None`)."
        )

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*args: Any) -> Any:
            return call(function, inp=args, Tout=Tout, **kwargs)

        return called

    return decorator


def _called_now(function: Callable[..., Any], arrays: Sequence[np.ndarray]) -> Any:
    """Calls the function on arrays; the results are a flat list with types of their own, or the only one, as in TensorFlow."""
    flat = nest.flatten(function(*arrays))
    parts = [None if part is None else convert_to_tensor(part) for part in flat]
    return parts[0] if len(parts) == 1 else parts


def _with_plain_scalars(func: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arrays: Any) -> Any:
        return func(*(a if a.ndim else a[()] for a in arrays))

    return call


def _output_types(structure: Any) -> tuple[Any, list[Any], bool, list[Any]]:
    """Returns the structure of results, a list for a tuple, the flat dtypes, whether they are parts of it, and their shapes."""
    if isinstance(structure, tuple):
        structure = list(structure)
    flat = nest.flatten(structure, expand_composites=True) if structure is not None else []
    shapes = [spec.shape if isinstance(spec, TensorSpec) else UNKNOWN for spec in flat]
    types = [spec.dtype if isinstance(spec, TensorSpec) else as_dtype(spec) for spec in flat]
    is_composite = isinstance(structure, TypeSpec) and not isinstance(structure, TensorSpec)
    return structure, types, is_composite or nest.is_nested(structure), shapes


def _arranged(outputs: Any, function: Any, is_list: bool, form: Any, shapes: Sequence[Any]) -> Any:
    """Returns the outputs in the requested structure; the node keeps the function alive."""
    if STATE.graph is not None and outputs:
        outputs[0].op.python_function = function
        for tensor, shape in zip(outputs, shapes, strict=True):
            tensor.set_shape(shape)
    elif STATE.graph is not None:
        node: Operation = STATE.graph._operations[-1]
        node.python_function = function
        return node
    if not outputs:
        return [] if is_list else None
    return nest.pack_sequence_as(form, list(outputs)) if is_list else outputs[0]


@export("py_function")
def py_function(
    func: Callable[..., Any] | None = None,
    inp: Any = None,
    Tout: Any = None,
    name: str | None = None,
) -> Any:
    """Returns what a Python function computes of tensors, as an operation of a graph.

    The function gets eager tensors at each run; gradients flow through it. Functions with it run
    on the host and cannot be saved.

    Args:
      func: a function of the tensors that returns one or a list of values.
      inp: a list of tensors.
      Tout: the dtype of the result, or a list of dtypes or specs.
      name: a name for the operation.

    Returns:
      A tensor or a list of tensors; their static shape is unknown, unless `Tout` is a spec.

    Raises:
      InvalidArgumentError: the function returns another number of values or another dtype.
      TypeError: `Tout` is missing, or `inp` if there is a function, or `inp` is given to a decorator.
      ValueError: `func` is not callable.

    >>> tf.py_function(lambda x: x + 1, [tf.constant(4)], tf.int32).numpy()
    np.int32(5)
    """
    decorator = decorator_unless_called(py_function, "tf.py_function", func, inp, Tout, name=name)
    if func is None or decorator is not None:
        return decorator
    _check_callable(func)
    form, types, is_list, shapes = _output_types(Tout)
    arguments = nest.map_structure(
        lambda x: x if nest.is_composite(x) else convert_to_tensor(x), list(inp or [])
    )
    tensors = nest.flatten(arguments, expand_composites=True)
    caller = _EagerCall(func, arguments, types)
    if STATE.graph is None:
        outputs = calling(caller.run, tensors)
        if STATE.tapes:
            outputs = _with_all_inputs(outputs, tensors)
        return (
            nest.pack_sequence_as(form, outputs, expand_composites=True)
            if is_list
            else (outputs[0] if outputs else None)
        )
    node = _add_call(caller, tensors, types, caller.gradient, name)
    for tensor, shape in zip(node.outputs, shapes, strict=True):
        tensor.set_shape(shape)
    if not types:
        return node
    if not is_list:
        return node.outputs[0]
    return nest.pack_sequence_as(form, node.outputs, expand_composites=True)


def _add_call(
    function: Callable[..., Any],
    tensors: Sequence[Any],
    types: Sequence[Any],
    gradient: Callable[..., Any],
    name: str | None = None,
) -> Operation:
    """Adds an operation to the current graph that calls a function of host values, and has this gradient."""
    graph = STATE.graph
    assert graph is not None
    token, callback = register(function)
    attrs = {"token": token, "Tin": tuple(t.dtype for t in tensors), "Tout": tuple(types)}
    node = graph.add(make_op("EagerPyFunc", attrs), [graph.local(t) for t in tensors], name)
    node.python_function = callback
    node.gradient_override = gradient
    record_node(node)
    return node


def _with_all_inputs(outputs: list[Any], inputs: Sequence[Any]) -> list[Any]:
    """Returns results that depend on every input: the gradient by one that the function leaves out is 0, as in graphs, not None."""
    inputs = [t for t in inputs if t.dtype.is_floating or t.dtype.is_complex]
    places = [i for i, t in enumerate(outputs) if t.dtype.is_floating or t.dtype.is_complex]
    if not inputs or not places:
        return outputs

    @custom_gradient
    def connect(*tensors: Any) -> Any:
        results = [raw.Identity(input=t) for t in tensors[: len(places)]]
        return results, lambda *dys: [*dys, *(raw.ZerosLike(x=t) for t in inputs)]

    connected = list(outputs)
    for place, result in zip(places, connect(*(outputs[i] for i in places), *inputs), strict=True):
        connected[place] = result
    return connected


class _EagerCall:
    """A function of eager tensors in a graph, with the tapes of its latest calls."""

    def __init__(self, func: Callable[..., Any], arguments: Any, types: Sequence[Any]) -> None:
        self.func, self.arguments, self.types = func, arguments, list(types)
        self._calls: collections.OrderedDict[int, Any] = collections.OrderedDict()
        self._gradient_token: Any = None

    def __call__(self, values: Sequence[Any], differentiate: bool) -> list[Any]:
        """Runs on host values, under a tape if `differentiate`."""
        tensors = [
            EagerTensor(value, t.dtype)
            for value, t in zip(
                values, nest.flatten(self.arguments, expand_composites=True), strict=True
            )
        ]
        before, STATE.graph = STATE.graph, None
        tapes, STATE.tapes = STATE.tapes, ()
        try:
            with GradientTape() as tape:
                tape.watch([t for t in tensors if t.dtype.is_floating or t.dtype.is_complex])
                outputs = self.run(tensors)
        finally:
            STATE.graph, STATE.tapes = before, tapes
        for output in outputs:
            self._calls[id(output._value)] = (tape, tensors, outputs)
        while len(self._calls) > _KEPT_CALLS:
            self._calls.popitem(last=False)
        return [output._value for output in outputs]

    def run(self, tensors: Sequence[Any]) -> list[Any]:
        """Calls the function on tensors; returns flat results of the declared types."""
        arguments = nest.pack_sequence_as(self.arguments, list(tensors), expand_composites=True)
        result = self.func(*arguments)
        if not self.types:
            return []
        flat = nest.flatten(result, expand_composites=True)
        if len(flat) != len(self.types) and isinstance(result, (list, tuple)):
            flat = list(result)  # lists of numbers among the results
        if len(flat) != len(self.types):
            raise ValueError(
                f"py_function: expected {len(self.types)} results. Received {len(flat)}."
            )
        return [
            convert_to_tensor(value, dtype) for value, dtype in zip(flat, self.types, strict=True)
        ]

    def gradient(self, node: Operation, *gradients: Any) -> list[Any]:
        """Adds the operation that computes the gradient from the call's tape."""
        inputs, outputs = list(node._inputs), list(node.outputs)
        wanted = [i for i, t in enumerate(inputs) if t.dtype.is_floating or t.dtype.is_complex]
        # None: an output that is an integer, or that nothing was computed from
        given = [i for i, gradient in enumerate(gradients) if gradient is not None]
        seeds = [convert_to_tensor(gradients[i]) for i in given]
        computed = _add_call(
            lambda values, _: self._backward(values, given, wanted),
            [*outputs, *seeds, *inputs],  # the inputs are only there for second derivatives
            [inputs[i].dtype for i in wanted],
            functools.partial(self._second_gradient, given, wanted, len(outputs)),
        )
        result: list[Any] = [None] * len(inputs)
        for position, tensor in zip(wanted, computed.outputs, strict=True):
            tensor.set_shape(inputs[position].shape)
            result[position] = tensor
        return result

    def _second_gradient(
        self, given: list[int], wanted: list[int], results: int, node: Operation, *gradients: Any
    ) -> list[Any]:
        """Adds operations that compute the gradient of a gradient, for which the function is called once more."""
        seeds = list(node._inputs)[results:][: len(given)]
        inputs = list(node._inputs)[results + len(given) :]

        def first_order(*tensors: Any) -> Any:
            values = list(tensors[: len(inputs)])
            with GradientTape() as tape:
                tape.watch([values[i] for i in wanted])
                computed = self.run(values)
            return tape.gradient(
                [computed[i] for i in given],
                [values[i] for i in wanted],
                list(tensors[len(inputs) :]),
                unconnected_gradients="zero",
            )

        types = [inputs[i].dtype for i in wanted]
        again = _EagerCall(first_order, [*inputs, *seeds], types)
        repeated = _add_call(again, [*inputs, *seeds], types, again.gradient)
        found = again.gradient(repeated, *gradients)
        return [None] * results + found[len(inputs) :] + found[: len(inputs)]

    def _backward(self, values: Sequence[Any], given: list[int], wanted: list[int]) -> list[Any]:
        """Runs the tape of the call whose results `values` begins with; gradients of those in `given` follow."""
        kept = self._calls.pop(id(values[0]), None)
        if kept is None:
            raise RuntimeError("py_function: the call to differentiate is no longer recorded.")
        tape, tensors, outputs = kept
        seeds = [
            EagerTensor(np.asarray(value), outputs[i].dtype)
            for value, i in zip(values[len(outputs) :][: len(given)], given, strict=True)
        ]
        before, STATE.graph = STATE.graph, None
        try:
            computed = tape.gradient(
                [outputs[i] for i in given],
                [tensors[i] for i in wanted],
                seeds,
                unconnected_gradients="zero",
            )
        finally:
            STATE.graph = before
        gradients: list[Any] = [convert_to_tensor(g) for g in computed]
        return [gradient._value for gradient in gradients]
