"""The decorator `penstock.op`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from penstock._src.core.dtypes import as_dtype
from penstock._src.core.op import OPS
from penstock._src.core.registry import index
from penstock._src.custom_ops.of_tensors import call_of
from penstock._src.custom_ops.op_classes import Results, home_of, make_class, run_op
from penstock._src.custom_ops.parameters import Parameters, parameters_of
from penstock._src.util.export import export

Kind = Literal["tensors", "numpy", "primitives"]
OP_TYPE = re.compile(r"[A-Z][A-Za-z0-9_]*(>[A-Z][A-Za-z0-9_]*)*\Z")


class CustomOp(NamedTuple):
    """Value of the attribute `__penstock_op__` of functions that `penstock.op` makes.

    Args:
      name: in graphs and messages, such as "MyOps>SmoothRelu".
      kind: "tensors", "numpy" or "primitives".
    """

    name: str
    kind: Kind


def _callable(
    op: CustomOp, parameters: Parameters, function: Callable[..., Any], run: Callable[..., Any]
) -> Callable[..., Any]:
    """A function with the parameters of the user's that runs the op."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return run(*parameters.bind(args, kwargs))

    functools.update_wrapper(call, function, updated=())
    del call.__wrapped__  # type: ignore[attr-defined]
    call.__signature__ = parameters.signature  # type: ignore[attr-defined]
    call.__penstock_op__ = op  # type: ignore[attr-defined]
    return call


@export("op", v1=[])
def op(
    function: Callable[..., Any] | None = None,
    *,
    kind: Kind = "tensors",
    dtype: Any = None,
    shape: Any = None,
    gradient: Callable[..., Any] | None = None,
    elementwise: bool = False,
    differentiable: bool = True,
    stateful: bool = False,
    name: str | None = None,
) -> Any:
    """Makes an operation of a Python function: differentiable, compiled, and saved with models.

    The positional parameters of the function are the op's tensors, keyword-only ones its attributes: Python values, part of the op. The op
    works eagerly, in `tf.function`, under tapes, in `tf.vectorized_map`, in Keras layers and in SavedModels.

    Args:
      function: the function; without it, a decorator is returned.
      kind: what the function computes with.
        "tensors": other ops of `tf.`. It is traced; the gradient is derived, unless one is given. A SavedModel has its body.
        "numpy": arrays, which are read-only. It runs on the host, also within compiled functions.
        "primitives": its first parameter `p` has the compiler's primitives, such as `p.exp(x)` and `p.reduce_sum(x, axis)`, and the others are
        nodes with Python's operators. It is compiled and fused with what surrounds it.
      dtype: of the result, for the last two kinds: a dtype, or the name of the tensor that has it; a list of these for several results. By
        default, that of the first tensor.
      shape: of the result, for the last two kinds: the name of the tensor that has it, a shape, or a function of the tensors' shapes (and of
        attributes that it names); for several results, what gives a list. By default it is found by itself for primitives and elementwise
        ops, and unknown for NumPy.
      gradient: `gradient(*tensors, *results, *gradients_of_results)` returns a gradient or None for each tensor, computed by ops; it may take
        attributes by keyword-only parameters of their names. Tapes do not keep what parameters with a leading `_` stand for.
      elementwise: whether tensors broadcast, and no element of the result depends on its place.
      differentiable: False for an op whose gradient is None, such as a rounding.
      stateful: whether equal calls may give different results, or have effects; NumPy only.
      name: in graphs, such as "MyOps>SmoothRelu"; by default of the module and the function.

    Returns:
      A callable with the function's parameters.

    Raises:
      TypeError: the function or an option does not fit the kind.
      ValueError: another op has the name.

    >>> @tf.op
    ... def swish(x, *, beta: float = 1.0):
    ...   return x * tf.sigmoid(beta * x)
    >>> float(swish(0.0, beta=2.0))
    0.0
    """
    options = {
        "kind": kind, "dtype": dtype, "shape": shape, "gradient": gradient, "elementwise": elementwise,
        "differentiable": differentiable, "stateful": stateful, "name": name,
    }  # fmt: skip
    if function is None:
        return lambda inner: _make(inner, **options)
    return _make(function, **options)


def _make(
    function: Callable[..., Any],
    *,
    kind: Kind,
    dtype: Any,
    shape: Any,
    gradient: Callable[..., Any] | None,
    elementwise: bool,
    differentiable: bool,
    stateful: bool,
    name: str | None,
) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError(f"penstock.op: expected a function. Received {function!r}.")
    if kind not in ("tensors", "numpy", "primitives"):
        raise ValueError(
            f"penstock.op: kind: expected 'tensors', 'numpy' or 'primitives'. Received {kind!r}."
        )
    if name is None and getattr(function, "__name__", "<lambda>") == "<lambda>":
        raise TypeError("penstock.op: `name` is required for a function without a name.")
    op_type = name or _default_name(function)
    _check_name(op_type, home_of(function))
    parameters = parameters_of(op_type, function, 1 if kind == "primitives" else 0)
    if kind == "tensors":
        options = {"dtype": dtype, "shape": shape, "elementwise": elementwise, "stateful": stateful}
        unused = [key for key, value in options.items() if value not in (None, False)]
        if unused or not differentiable:
            raise TypeError(
                f"{op_type}: {(unused or ['differentiable'])[0]} is for functions of arrays and of primitives; this one's "
                "follows from the ops that it calls."
            )
        run = call_of(parameters, function, gradient)
        return _callable(CustomOp(op_type, kind), parameters, function, run)
    if stateful and kind != "numpy":
        raise TypeError(f"{op_type}: an op of primitives cannot be stateful.")
    cls = make_class(
        op_type, parameters, function, _results(parameters, dtype, shape, elementwise),
        is_numpy=kind == "numpy", gradient=gradient, is_differentiable=differentiable, is_stateful=stateful,
    )  # fmt: skip

    return _callable(
        CustomOp(op_type, kind), parameters, function,
        lambda inputs, attributes: run_op(cls, parameters.tensors(inputs), attributes),
    )  # fmt: skip


def _results(parameters: Parameters, dtype: Any, shape: Any, elementwise: bool) -> Results:
    if dtype is None:
        if not parameters.inputs:
            raise TypeError(f"{parameters.op}: an op without tensors needs `dtype`.")
        dtype = parameters.inputs[0]
    listed: Sequence[Any] = dtype if isinstance(dtype, list | tuple) else [dtype]
    types = tuple(d if d in parameters.inputs else as_dtype(d) for d in listed)
    if isinstance(shape, str) and shape not in parameters.inputs:
        raise ValueError(
            f"{parameters.op}: shape: there is no tensor {shape!r} among {', '.join(parameters.inputs)}."
        )
    return Results(types, shape, elementwise)


def _default_name(function: Callable[..., Any]) -> str:
    parts = [*home_of(function).split("."), getattr(function, "__name__", "Function")]
    words = ["".join(w[:1].upper() + w[1:] for w in part.split("_")) for part in parts]
    return ">".join(re.sub(r"\W", "", word) for word in words if word)


def _check_name(op_type: str, home: str) -> None:
    """Refuses names that graphs cannot have, or that an op of another module has."""
    if not OP_TYPE.match(op_type):
        raise ValueError(
            f"penstock.op: expected a name such as 'MyOps>SmoothRelu', with capital letters. Received {op_type!r}."
        )
    known: Any = OPS.get(op_type)
    if op_type in index() or known is not None and getattr(known, "home", None) != home:
        raise ValueError(
            f"penstock.op: {op_type} is already an operation"
            f"{f' of {known.home}' if hasattr(known, 'home') else ''}. Choose another `name`."
        )
