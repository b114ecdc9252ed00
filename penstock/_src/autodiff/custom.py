"""tf.custom_gradient and the functions built on it: functions with a user-defined gradient."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.autodiff.backprop import with_zeros
from penstock._src.autodiff.composite import gradient_tensors, with_gradients
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.autodiff.nodes import make_op, record_on_tapes
from penstock._src.autodiff.tape import Tape, pop, push, variable_accessed
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.operation import Operation
from penstock._src.util import nest
from penstock._src.util.export import export


@contextlib.contextmanager
def _only(tape: Tape | None) -> Iterator[None]:
    """Within this context only `tape` records; all do in forward mode, whose derivatives come from the body and may be differentiated themselves."""
    before = STATE.tapes
    if not any(hasattr(accumulator, "record_step") for accumulator in STATE.accumulators):
        STATE.tapes = (tape,) if tape is not None else ()
    try:
        yield
    finally:
        STATE.tapes = before


@contextlib.contextmanager
def _also(tape: Tape) -> Iterator[None]:
    """Within this context `tape` records too."""
    push(tape)
    try:
        yield
    finally:
        pop(tape)


@export("custom_gradient")
def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """Makes a function with its own gradient of `f`, which returns (result, gradient function).

    Args:
      f: a function of tensors that returns its result and a function `grad(*dresults)`, which returns one
        gradient per argument. If `f` reads variables, `grad` must take `variables=` and return a second
        value, the list of their gradients.

    Returns:
      A function with the arguments of `f` that returns its result.

    >>> @tf.custom_gradient
    ... def clip_gradient(x):
    ...   return tf.identity(x), lambda dy: tf.clip_by_value(dy, -1., 1.)
    """
    if f is None:
        return custom_gradient

    return WithGradient(f)


class _SignatureOfWrapped:
    """The signature of the function that a function with a gradient wraps; `inspect` would treat an object with `__get__` as a built-in."""

    def __get__(self, instance: Any, owner: Any = None) -> inspect.Signature | None:
        return None if instance is None else inspect.signature(instance.__original_wrapped__)


class WithGradient:
    """A function with its own gradient. As a class's attribute it is a method, and the object gets no gradient."""

    __signature__ = _SignatureOfWrapped()

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f)
        self.__original_wrapped__ = f

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _call(self.__original_wrapped__, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> "WithGradient":
        if instance is None:
            return self
        return WithGradient(self.__original_wrapped__.__get__(instance, owner))


def _call(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    is_eager = STATE.graph is None
    arguments: list[Any] = list(args)
    if not all(map(_is_tensor, args)):
        arguments = nest.map_structure(
            lambda a: (
                a if nest.is_composite(a) or is_eager and _is_variable(a) else convert_to_tensor(a)
            ),
            arguments,
        )
    sources = [leaf for argument in arguments for leaf in _flat(argument)]
    inputs = [tensor for source in sources for tensor in _parts(source)]
    if is_eager:  # assignments in the body affect reads of the variable after it
        inputs = [tensor.handle if _is_variable(tensor) else tensor for tensor in inputs]
    if STATE.graph is not None:
        for tensor in inputs:
            STATE.graph.local(getattr(tensor, "handle", tensor))
    watcher = Tape(watch_accessed_variables=True)
    # Outer tapes record the body too: the gradient function may use values computed here and may itself be differentiated.
    with _also(watcher):
        returned = f(*arguments, **kwargs)
    if not isinstance(returned, tuple) or len(returned) != 2 or not callable(returned[1]):
        raise TypeError(
            f"custom_gradient: the function must return (result, gradient function). Received {returned!r}."
        )
    result, gradient = returned
    argument_ids = {id(a) for argument in args for a in _flat(argument)}
    # A variable among the arguments has its gradient as an argument.
    variables = [v for v in watcher.variables.values() if id(v) not in argument_ids]
    passed = [a for a in sources if _is_variable(a)] if is_eager else []
    for variable in [*variables, *passed]:
        variable_accessed(variable)
    takes_variables = bool(variables) and _takes_variables(gradient)
    if variables and not takes_variables:
        raise TypeError(
            "@tf.custom_gradient grad_fn must accept keyword argument 'variables', since function uses "
            f"variables: {variables}"
        )
    is_single = _is_tensor(result)
    flat = [result] if is_single else nest.flatten(result, expand_composites=True)
    flat = [convert_to_tensor(t) for t in flat]
    handles = [v.handle for v in variables]

    def backward(*dresults: Any) -> list[Any]:
        of_results = dresults if is_single else _composed(nest.flatten(result), dresults)
        return _input_gradients(
            gradient, of_results, sources, variables if takes_variables else None
        )

    if STATE.graph is not None:
        flat = _add_node(flat, [*inputs, *handles], backward)
    else:
        flat = _record_eagerly(flat, [*inputs, *handles], backward)
    if is_single:
        return flat[0]
    return nest.pack_sequence_as(result, flat, expand_composites=True)


def _record_eagerly(
    results: list[Any], inputs: list[Any], backward: Callable[..., list[Any]]
) -> list[Any]:
    """Returns copies of the results, for which each tape has either the gradient `backward` or, if it watches none of the inputs, the body's.

    Forward mode goes through the body; where no derivative comes through it, as after rounding, `backward` gives it, as in TensorFlow.
    """
    tapes = STATE.tapes
    own = [tape for tape in tapes if any(tape.is_watched(t) for t in inputs)]
    # A tape with both could reach what the body captures around `backward`.
    STATE.tapes = tuple(tape for tape in tapes if tape not in own)
    try:
        copies = [raw.Identity(input=t) for t in results]
    finally:
        STATE.tapes = tapes
    for tape in own:
        tape.record_function("CustomGradient", inputs, copies, backward)
    for accumulator in STATE.accumulators:
        if hasattr(accumulator, "record_missing"):
            accumulator.record_missing(
                inputs, copies, lambda *seeds: backward(*with_zeros(seeds, copies))
            )
    return copies


def _is_variable(value: Any) -> bool:
    return hasattr(value, "assign_add") and hasattr(value, "handle")


def _is_tensor(value: Any) -> bool:
    """True for a tensor itself, which has no parts."""
    return isinstance(value, Tensor) and not nest.is_composite(value)


def _flat(value: Any) -> list[Any]:
    return [value] if _is_tensor(value) else nest.flatten(value)


def _parts(value: Any) -> list[Any]:
    """Returns the tensors of an argument or result that have gradients: all, unless its class names some."""
    if _is_tensor(value):
        return [value]
    if nest.is_composite(value) and not hasattr(value, "handle") and _names_parts(value):
        return gradient_tensors(value)
    return nest.flatten(value, expand_composites=True)


def _names_parts(value: Any) -> bool:
    return hasattr(value, "with_flat_values") or hasattr(value, "__composite_gradient__")


def _composed(results: Sequence[Any], dresults: Sequence[Any]) -> list[Any]:
    """Returns the gradients of results, given those of all their tensors: of a composite tensor, one like it."""
    composed, rest = [], iter(dresults)
    for result in results:
        tensors = nest.flatten(result, expand_composites=True)
        gradients = [next(rest) for _ in tensors]
        if not nest.is_composite(result) or not _names_parts(result):
            composed.extend(gradients)
            continue
        named = {id(tensor) for tensor in gradient_tensors(result)}
        of_named = (g for t, g in zip(tensors, gradients) if id(t) in named)
        composed.append(with_gradients(result, of_named))
    return composed


def _takes_variables(gradient: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(gradient).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters)


def _input_gradients(
    gradient: Callable[..., Any],
    dresults: Sequence[Any],
    sources: Sequence[Any],
    variables: list[Any] | None,
) -> list[Any]:
    """Returns the gradients of all inputs, then those of the variables' handles."""
    if variables:
        returned, of_variables = gradient(*dresults, variables=variables)
        if len(of_variables) != len(variables):
            raise ValueError(
                "Must return gradient for each variable from @custom_gradient grad_fn."
            )
    else:
        returned, of_variables = gradient(*dresults), []
    of_sources = _flat_gradients(returned)
    parts = [_parts(source) for source in sources]
    if len(of_sources) == len(sources):
        of_inputs = []
        for one, tensors in zip(of_sources, parts):
            split = nest.is_composite(one) and _names_parts(one)
            of_inputs += gradient_tensors(one) if split else [one] + [None] * (len(tensors) - 1)
        return [*of_inputs, *of_variables]
    if len(of_sources) != sum(map(len, parts)):  # not one for each tensor either
        raise ValueError(
            f"custom_gradient function expected to return {len(sources)} gradients, but returned "
            f"{len(of_sources)} instead."
        )
    return [*of_sources, *of_variables]


def _flat_gradients(returned: Any) -> list[Any]:
    if (
        returned is None
        or isinstance(returned, Tensor)
        or not isinstance(returned, list | tuple | dict)
    ):
        return [returned]
    return nest.flatten(returned)


def _add_node(flat: list[Any], inputs: list[Any], backward: Callable[..., list[Any]]) -> list[Any]:
    """Pass results and inputs through a node with the gradient `backward`."""
    graph = STATE.graph
    tensors = [graph.local(t) for t in (*flat, *inputs)]
    # Nothing reads them; later operations have TensorFlow's numbers.
    for tensor in tensors[: len(flat)]:
        graph.add(make_op("Identity", {"T": tensor.dtype}), [tensor], "Identity")
    op = make_op("IdentityN", {"T": tuple(t.dtype for t in tensors)})
    node = graph.add(op, tensors, "IdentityN")
    # Gradients of the results alone: the inputs are outputs of the node only so that it takes them.
    count = len(flat)

    def override(owner: Operation, *gradients: Any) -> list[Any]:
        filled = with_zeros(gradients[:count], owner.outputs)
        return [*[None] * count, *backward(*filled)]

    node.gradient_override = override
    for before, after in zip(tensors, node.outputs, strict=True):
        after._handle_data = before._handle_data
    record_on_tapes(node)
    for accumulator in STATE.accumulators:
        accumulator.record_op(op, node._inputs, node.outputs)
    return node.outputs[:count]


def _computed_again(args: Sequence[Any], dresults: Sequence[Any]) -> list[Any]:
    """Copies of the arguments that depend on the gradients of the results: otherwise common subexpressions would keep the forward values alive.

    Tensors within lists, dicts and composite tensors are copied as well.
    """
    flat = nest.flatten(list(args), expand_composites=True)
    tensors = [a for a in flat if isinstance(a, Tensor)]
    later = [
        d for d in nest.flatten(list(dresults), expand_composites=True) if isinstance(d, Tensor)
    ]
    copies = iter(raw.XlaOptimizationBarrier(input=[*tensors, *later]) if tensors else ())
    again = [next(copies) if isinstance(a, Tensor) else a for a in flat]
    return nest.pack_sequence_as(list(args), again, expand_composites=True)


@export("recompute_grad")
def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function like `f` with a gradient that computes `f` again.

    The intermediate values are not kept for the gradient, which saves memory for time.

    Args:
      f: a function of tensors; it may read trainable variables.

    Returns:
      A function with the arguments of `f`.

    >>> square = tf.recompute_grad(lambda x: x * x)
    >>> x = tf.Variable(3.0)
    >>> with tf.GradientTape() as tape:
    ...     y = square(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(6.0)
    """

    @custom_gradient
    def inner(*args: Any, **kwargs: Any) -> Any:
        # The innermost tape is that by which `custom_gradient` finds the variables read; others would keep the
        # intermediate values.
        with _only(STATE.tapes[-1] if STATE.tapes else None):
            result = f(*args, **kwargs)

        def gradient(*dresults: Any, variables: Any = None) -> Any:
            copies = _computed_again(args, dresults)
            with GradientTape() as tape:
                flat = nest.flatten(copies, expand_composites=True)
                tape.watch([a for a in flat if isinstance(a, Tensor)])
                for variable in variables or []:
                    tape.watch(variable)
                again = f(*copies, **kwargs)
            sources = [copies, list(variables or [])]
            of_inputs, of_variables = tape.gradient(
                again, sources, output_gradients=_like(again, dresults)
            )
            return of_inputs, of_variables

        def without_variables(*dresults: Any) -> Any:
            return gradient(*dresults)[0]

        def grad(*dresults: Any, variables: Any = None) -> Any:
            return (
                gradient(*dresults, variables=variables)
                if variables
                else without_variables(*dresults)
            )

        return result, grad

    inner.__wrapped__ = f
    return inner


def _like(result: Any, dresults: Sequence[Any]) -> Any:
    return nest.pack_sequence_as(result, list(dresults))


@export("grad_pass_through")
def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function like `f` through which gradients pass as if it were the identity.

    Args:
      f: a function of one tensor that returns one.

    Returns:
      A function with the arguments and the result of `f`.
    """

    @custom_gradient
    def inner(*args: Any, **kwargs: Any) -> Any:
        def gradient(*dresults: Any, variables: Any = None) -> Any:
            returned = dresults[0] if len(dresults) == 1 else dresults
            return (returned, [None] * len(variables)) if variables else returned

        return f(*args, **kwargs), gradient

    return inner
