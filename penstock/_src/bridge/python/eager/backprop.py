"""`tensorflow.python.eager.backprop`: functions that return the gradients of a function."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core import registry
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.graph.serialize.op_definitions import op_def
from penstock._src.util import nest


def implicit_val_and_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of the value of `f` and a list of (gradient, variable), for each trainable variable that it uses."""

    def value_and_gradients(*args: Any, **kwargs: Any) -> Any:
        with GradientTape() as tape:
            value = f(*args, **kwargs)
            if value is None:
                raise ValueError(
                    "Cannot differentiate a function that returns None; did you forget to return a value from "
                    f"{f.__name__}?"
                )
        variables = tape.watched_variables()
        if not variables:
            raise ValueError(
                "No trainable variables were accessed while the function was being computed."
            )
        return value, list(zip(tape.gradient(value, variables), variables))

    return value_and_gradients


def implicit_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of the (gradient, variable) pairs of `f`, for each trainable variable that it uses."""
    both = implicit_val_and_grad(f)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def _positions(f: Callable[..., Any], params: Any, args: Sequence[Any]) -> Sequence[int]:
    """Returns the positions of the parameters to differentiate with respect to."""
    if params is not None and all(isinstance(p, int) for p in params):
        return params
    names = inspect.getfullargspec(f).args
    if params is None:
        count = len(names) - 1 if names[:1] == ["self"] else len(names)
        return range(count or len(args))
    if all(isinstance(p, str) for p in params):
        return [names.index(p) for p in params]
    raise ValueError(f"params must be all strings or all integers; got {params}.")


def make_vjp(
    f: Callable[..., Any], params: Any = None, persistent: bool = True
) -> Callable[..., Any]:
    """Returns a function of the value of `f` and of the function from its gradient `dy` to those of the parameters.

    Args:
      f: the function, of positional arguments.
      params: names or positions of the parameters; by default all.
      persistent: whether that function can be called several times.
    """

    def decorated(*args: Any) -> Any:
        positions = _positions(f, params, args)
        tensors = [convert_to_tensor(a) if i in positions else a for i, a in enumerate(args)]
        seen: set[int] = set()
        for at in positions:  # the same tensor given twice counts as two
            if id(tensors[at]) in seen:
                tensors[at] = raw.Identity(input=tensors[at])
            seen.add(id(tensors[at]))
        with GradientTape(persistent=persistent) as tape:
            for at in positions:
                tape.watch(tensors[at])
            value = f(*tensors)
            if value is None:
                raise ValueError(
                    "Cannot differentiate a function that returns None; did you forget to return a value from "
                    f"{f.__name__}?"
                )
            value = nest.map_structure(lambda v: raw.Identity(input=convert_to_tensor(v)), value)
        sources = [tensors[at] for at in positions]

        def vjp(dy: Any = None) -> Any:
            if dy is not None:
                dy = nest.map_structure(convert_to_tensor, dy)
            return tape.gradient(value, sources, output_gradients=dy)

        return value, vjp

    return decorated


def val_and_grad_function(f: Callable[..., Any], params: Any = None) -> Callable[..., Any]:
    """Returns a function of the value of `f` and its gradients; see `make_vjp`."""

    def decorated(*args: Any, **kwargs: Any) -> Any:
        dy = kwargs.pop("dy", None)
        if kwargs:
            raise ValueError("Functions to be differentiated cannot receive keyword arguments.")
        value, vjp = make_vjp(f, params)(*args)
        return value, vjp(dy=dy)

    return decorated


def gradients_function(f: Callable[..., Any], params: Any = None) -> Callable[..., Any]:
    """Returns a function of the gradients of `f`; see `make_vjp`."""
    both = val_and_grad_function(f, params)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


# The numbers of attributes' types, by their names in definitions of operations.
_ATTR_TYPES = {
    "string": 0, "int": 1, "float": 2, "bool": 3, "type": 4, "shape": 5, "tensor": 6, "placeholder": 7, "func": 8,
}  # fmt: skip


def op_attr_type(op_type: str, attr_name: str) -> Any:
    """Returns the number of an attribute's type, in a list if the attribute is a list.

    Raises:
      NotFoundError: there is no such operation.
      InvalidArgumentError: it has no such attribute.
    """
    cls = registry.lookup(op_type)
    if cls is None:
        raise NotFoundError(f"'{op_type}' is not the type of an operation.")
    kind = next((attr.type for attr in op_def(cls).attr if attr.name == attr_name), None)
    if kind is None:
        raise InvalidArgumentError(f"Attribute '{attr_name}' does not exist for this operation")
    inner = kind.removeprefix("list(").removesuffix(")")
    return _ATTR_TYPES[inner] if inner == kind else [_ATTR_TYPES[inner]]


def make_attr(attr_type: Any, value: Any) -> Any:
    """Returns the value of an attribute, converted by its type.

    Args:
      attr_type: as `op_attr_type` gives it.
      value: a number of a type, a shape, text, or a list of these.
    """
    if isinstance(attr_type, list):
        return [make_attr(attr_type[0], item) for item in value]
    if attr_type == _ATTR_TYPES["type"]:
        return as_dtype(value)
    if attr_type == _ATTR_TYPES["shape"]:
        return as_shape(value).as_proto()
    return value.encode() if isinstance(value, str) else value
