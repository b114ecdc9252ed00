"""Promotion in public functions, such as `tf.add`, while dtypes are converted along the lattice.

The functions themselves know nothing of it: targets of their dispatch are added once a mode asks for it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from penstock._src.api.array import creation
from penstock._src.api.extending.dispatch import EVERY_CALL, NOT_SUPPORTED
from penstock._src.api.extending.weak_tensor import WeakTensor, strong, with_weakness
from penstock._src.api.numpy.weakness import converted, joining, keeping, kind_or_none
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.util.lazy import resolve

# {module: functions of one tensor whose result is weak if the tensor is; "name/argument" if that is not the first}
KEEP = {
    "math.elementwise": "abs sign round reciprocal_no_nan erfinv ndtri erfcinv ceil sqrt exp rsqrt floor invert digamma erf "
    "erfc expm1 lgamma log log1p negative reciprocal rint square",
    "math.activations": "softplus sigmoid log_sigmoid relu6 elu relu selu softsign",
    "math.complex_numbers": "real imag angle conj",
    "math.trigonometry": "acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh",
    "math.arithmetic": "scalar_mul/x",
    "math.special": "dawsn expint fresnel_cos fresnel_sin spence bessel_i0 bessel_i0e bessel_i1 bessel_i1e bessel_k0 "
    "bessel_k0e bessel_k1 bessel_k1e bessel_j0 bessel_j1 bessel_y0 bessel_y1",
    "math.reduction": "reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std "
    "reduce_sum reduce_variance",
    "array.creation": "zeros_like ones_like",
    "array.shaping": "reshape expand_dims identity squeeze stop_gradient transpose",
    "array.clipping": "clip_by_value",
    "debugging.asserts": "check_numerics",
    "nn.activations": "leaky_relu gelu log_softmax silu",
    "nn.pooling": "depth_to_space space_to_depth",
    "linalg.bands": "trace diag diag_part matrix_transpose tensor_diag_part",
    "image.random": "random_brightness stateless_random_brightness",
    "image.color": "adjust_brightness adjust_gamma",
    "image.geometry": "extract_patches",
}
# {module: functions of two tensors}
JOIN = {
    "math.arithmetic": "add subtract multiply multiply_no_nan divide divide_no_nan truediv realdiv truncatediv floordiv "
    "truncatemod floormod pow",
    "linalg.products": "matmul",
}
# Functions whose results are never weak.
COMPARE = {"math.arithmetic": "maximum minimum", "math.logic": "equal"}


def listed(table: dict[str, str]) -> list[tuple[Callable[..., Any], str | None]]:
    """Returns the functions of a table, each with the name of its argument if that is not the first."""
    functions = []
    for module, names in table.items():
        for entry in names.split():
            name, _, argument = entry.partition("/")
            functions.append((resolve(f"penstock._src.api.{module}", name), argument or None))
    return functions


@functools.cache
def promote_in_functions() -> None:
    """Make the functions of the tables promote while the mode is enabled."""
    for api, argument in listed(KEEP):
        _add_target(api, keeping(_plain(api), argument))
    for api, _ in listed(JOIN):
        _add_target(api, joining(_plain(api)))
    for api, _ in listed(COMPARE):
        _add_target(api, joining(_plain(api), gives_weak=False))
    _add_target(creation.constant, _constant)
    for name in ("assign", "assign_add", "assign_sub"):
        setattr(Variable, name, _assigning(getattr(Variable, name)))


def _plain(api: Callable[..., Any]) -> Callable[..., Any]:
    return api.__wrapped__  # type: ignore[attr-defined]  # what dispatch wraps


def _add_target(api: Any, target: Callable[..., Any]) -> None:
    api._dispatch_targets.append((EVERY_CALL, target))


def _constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Any:
    """A constant: weak if it is made of Python numbers; values that a dtype represents exactly may be given to it."""
    if isinstance(value, Tensor) and not hasattr(value, "numpy"):
        return NOT_SUPPORTED
    kind = kind_or_none(value, None if dtype is None else dtypes.as_dtype(dtype))
    if kind is None:
        return creation.plain_constant(strong(value), dtype, shape, name)
    joined, weak = kind
    if dtype is not None:
        if joined == dtypes.as_dtype(dtype) and isinstance(value, (Tensor, WeakTensor)):
            value = converted(value, joined)
        return creation.plain_constant(strong(value), dtype, shape, name)
    return with_weakness(creation.plain_constant(strong(value), joined, shape, name), weak)


def _assigning(method: Callable[..., Any]) -> Callable[..., Any]:
    """An assignment that converts values that the variable's dtype represents exactly.

    Raises:
      TypeError: the variable would need another dtype.
    """
    parameter = list(inspect.signature(method).parameters)[1]

    @shortening
    @functools.wraps(method)
    def assign(self: Any, *args: Any, **kwargs: Any) -> Any:
        value = args[0] if args else kwargs.get(parameter)
        kind = kind_or_none(self, value)
        if kind is None:
            return method(self, *args, **kwargs)
        if kind[0] != self.dtype.base_dtype:
            raise TypeError(
                f"Variable dtype is immutable. Calling {method.__name__} of Variable (with dtype "
                f"{self.dtype}) on {value} requires converting {value} to {self.dtype}. This is disabled in "
                f"the current promotion semantics. Please convert {value} manually before calling "
                f"{method.__name__}."
            )
        value = converted(value, kind[0])
        return (
            method(self, value, *args[1:], **kwargs)
            if args
            else method(self, **{**kwargs, parameter: value})
        )

    return assign
