"""`tensorflow.python.ops.distributions.bijector`: invertible functions with the determinants of their Jacobians."""

from __future__ import annotations

import abc
import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import control_dependencies, name_scope_v1
from penstock._src.api.debugging.asserts import assert_greater_equal
from penstock._src.api.debugging.shape_asserts import assert_rank
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, broadcast_static_shape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.signatures import read_only


class _Pair:
    """An argument and its value, with the log-determinants that were computed at it, by the number of event axes."""

    def __init__(self, x: Any = None, y: Any = None) -> None:
        self.x, self.y = x, y
        self.inverse_log_dets: dict[Any, Any] = {}


class Bijector(metaclass=abc.ABCMeta):
    """An invertible function; what it computed is kept, so that an inverse gives back the argument itself.

    A subclass defines `_forward`, `_inverse` and `_forward_log_det_jacobian` or `_inverse_log_det_jacobian`.

    Args:
      graph_parents: tensors that it depends on.
      is_constant_jacobian: whether the determinant is the same everywhere.
      validate_args: whether arguments are checked.
      dtype: of arguments and values; None for any.
      forward_min_event_ndims: of how many axes an argument is at least.
      inverse_min_event_ndims: of how many axes a value is at least; by default the same.
      name: of the scope of operations.

    Raises:
      ValueError: neither number of axes is given, one is negative, or a parent is not a tensor.
      TypeError: a number of axes is not an integer.
    """

    @abc.abstractmethod
    def __init__(
        self,
        graph_parents: list[Any] | None = None,
        is_constant_jacobian: bool = False,
        validate_args: bool = False,
        dtype: Any = None,
        forward_min_event_ndims: int | None = None,
        inverse_min_event_ndims: int | None = None,
        name: str | None = None,
    ) -> None:
        least = {
            "forward_min_event_ndims": forward_min_event_ndims,
            "inverse_min_event_ndims": inverse_min_event_ndims,
        }
        known = [value for value in least.values() if value is not None]
        if not known:
            raise ValueError(
                "Must specify at least one of `forward_min_event_ndims` and "
                "`inverse_min_event_ndims`."
            )
        for what, value in least.items():
            value = known[0] if value is None else value
            if not isinstance(value, int):
                raise TypeError(f"Expected {what} to be of type int, got {type(value).__name__}")
            if value < 0:
                raise ValueError(f"{what} must be a non-negative integer.")
            setattr(self, f"_{what}", value)
        self._graph_parents = graph_parents or []
        for index, parent in enumerate(self._graph_parents):
            if not isinstance(parent, Tensor):
                raise ValueError(f"Graph parent item {index} is not a Tensor; {parent}.")
        self._is_constant_jacobian, self._validate_args = is_constant_jacobian, validate_args
        self._dtype, self._name = dtype, name or _snake(type(self).__name__.lstrip("_"))
        self._constants: dict[Any, Any] = {}
        # Keyed by the identities of tensors and the options of the call; the pairs keep the tensors alive.
        self._by_x: dict[Any, _Pair] = {}
        self._by_y: dict[Any, _Pair] = {}

    graph_parents = read_only("_graph_parents", "Tensors that it depends on.")
    forward_min_event_ndims = read_only("_forward_min_event_ndims", "Axes of an argument.")
    inverse_min_event_ndims = read_only("_inverse_min_event_ndims", "Axes of a value.")
    is_constant_jacobian = read_only(
        "_is_constant_jacobian", "Whether the determinant is the same everywhere."
    )
    validate_args = read_only("_validate_args", "Whether arguments are checked.")
    dtype = read_only("_dtype", "The type of arguments and values.")
    name = read_only("_name", "The name of the scope of operations.")

    @property
    def _is_injective(self) -> bool:
        return True

    def _forward_event_shape(self, input_shape: Any) -> Any:
        return input_shape

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        return TensorShape(output_shape)

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        return input_shape

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        return output_shape

    def forward_event_shape(self, input_shape: Any) -> Any:
        """The static shape of the value of an argument."""
        return self._forward_event_shape(TensorShape(input_shape))

    def inverse_event_shape(self, output_shape: Any) -> Any:
        """The static shape of the argument of a value."""
        return self._inverse_event_shape(output_shape)

    def forward_event_shape_tensor(
        self, input_shape: Any, name: str = "forward_event_shape_tensor"
    ) -> Any:
        """The shape of the value of an argument, as tensor."""
        with self._name_scope(name):
            shape = convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
            return self._forward_event_shape_tensor(shape)

    def inverse_event_shape_tensor(
        self, output_shape: Any, name: str = "inverse_event_shape_tensor"
    ) -> Any:
        """The shape of the argument of a value, as tensor."""
        with self._name_scope(name):
            shape = convert_to_tensor(output_shape, dtype=dtypes.int32, name="output_shape")
            return self._inverse_event_shape_tensor(shape)

    def _forward(self, x: Any) -> Any:
        raise NotImplementedError("forward not implemented.")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError("inverse not implemented.")

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        raise NotImplementedError("forward_log_det_jacobian not implemented.")

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        raise NotImplementedError("inverse_log_det_jacobian not implemented.")

    def forward(self, x: Any, name: str = "forward") -> Any:
        """The value of an argument."""
        return self._call_forward(x, name)

    def inverse(self, y: Any, name: str = "inverse") -> Any:
        """The argument of a value."""
        return self._call_inverse(y, name)

    def inverse_log_det_jacobian(
        self, y: Any, event_ndims: Any, name: str = "inverse_log_det_jacobian"
    ) -> Any:
        """log|det dx/dy| at a value, summed over the last `event_ndims` axes.

        Raises:
          ValueError: `event_ndims` is not a scalar integer, or less than the least number of axes.
        """
        return self._call_inverse_log_det_jacobian(y, event_ndims, name)

    def forward_log_det_jacobian(
        self, x: Any, event_ndims: Any, name: str = "forward_log_det_jacobian"
    ) -> Any:
        """log|det dy/dx| at an argument, summed over the last `event_ndims` axes.

        Raises:
          ValueError: `event_ndims` is not a scalar integer, or less than the least number of axes.
          NotImplementedError: the function is not injective.
        """
        return self._call_forward_log_det_jacobian(x, event_ndims, name)

    def _call_forward(self, x: Any, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name):
            x = self._argument(x, "x")
            if not self._is_injective:
                return self._forward(x, **kwargs)
            pair = self._pair(kwargs, x=x)
            if pair.y is None:
                self._complete(pair, kwargs, y=self._forward(x, **kwargs))
            return pair.y

    def _call_inverse(self, y: Any, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name):
            y = self._argument(y, "y")
            if not self._is_injective:
                return self._inverse(y, **kwargs)
            pair = self._pair(kwargs, y=y)
            if pair.x is None:
                self._complete(pair, kwargs, x=self._inverse(y, **kwargs))
            return pair.x

    def _call_inverse_log_det_jacobian(
        self, y: Any, event_ndims: Any, name: str, **kwargs: Any
    ) -> Any:
        with self._name_scope(name):
            if _key(event_ndims) in self._constants:
                return self._constants[_key(event_ndims)]
            y = self._argument(y, "y")
            least = (self.inverse_min_event_ndims, self.forward_min_event_ndims)
            with control_dependencies(self._event_checks(least[0], event_ndims)):
                pair = self._pair(kwargs, y=y) if self._is_injective else _Pair(y=y)

                def of_value() -> Any:
                    log_det = self._inverse_log_det_jacobian(y, **kwargs)
                    return self._summed(y, log_det, least[0], event_ndims, 1)

                def of_argument() -> Any:
                    x = self._inverse(y, **kwargs) if pair.x is None else pair.x
                    log_det = self._forward_log_det_jacobian(x, **kwargs)
                    if self._is_injective:
                        self._complete(pair, kwargs, x=x)
                    return self._summed(x, log_det, least[1], event_ndims, -1)

                return self._kept(pair, event_ndims, of_value, of_argument)

    def _call_forward_log_det_jacobian(
        self, x: Any, event_ndims: Any, name: str, **kwargs: Any
    ) -> Any:
        if not self._is_injective:
            raise NotImplementedError(
                "forward_log_det_jacobian cannot be implemented for non-injective transforms."
            )
        with self._name_scope(name):
            least = (self.forward_min_event_ndims, self.inverse_min_event_ndims)
            with control_dependencies(self._event_checks(least[0], event_ndims)):
                if _key(event_ndims) in self._constants:
                    return -1.0 * self._constants[_key(event_ndims)]
                x = self._argument(x, "x")
                pair = self._pair(kwargs, x=x)

                def of_argument() -> Any:
                    log_det = self._forward_log_det_jacobian(x, **kwargs)
                    return self._summed(x, log_det, least[0], event_ndims, -1)

                def of_value() -> Any:
                    y = self._forward(x, **kwargs) if pair.y is None else pair.y
                    log_det = self._inverse_log_det_jacobian(y, **kwargs)
                    self._complete(pair, kwargs, y=y)
                    return self._summed(y, log_det, least[1], event_ndims, 1)

                return -self._kept(pair, event_ndims, of_argument, of_value)

    def _kept(
        self, pair: _Pair, event_ndims: Any, first: Callable[[], Any], second: Callable[[], Any]
    ) -> Any:
        """The inverse's log-determinant of a pair, computed in the first of two ways that is implemented."""
        determinants = pair.inverse_log_dets
        if _key(event_ndims) not in determinants:
            try:
                value = first()
            except NotImplementedError as missing:
                try:
                    value = second()
                except NotImplementedError:
                    raise missing from None
            determinants[_key(event_ndims)] = value
            if self.is_constant_jacobian and self._is_injective:
                self._constants[_key(event_ndims)] = value
        return determinants[_key(event_ndims)]

    @contextlib.contextmanager
    def _name_scope(self, name: str | None = None, values: Any = None) -> Iterator[str]:
        with name_scope_v1(self.name), name_scope_v1(name, values=values) as scope:
            yield scope

    def _argument(self, value: Any, name: str) -> Any:
        tensor = convert_to_tensor(value, name=name)
        if self.dtype is not None and dtypes.as_dtype(self.dtype).base_dtype != tensor.dtype:
            raise TypeError(f"Input had dtype {tensor.dtype} but expected {self.dtype}.")
        return tensor

    def _pair(self, kwargs: dict[str, Any], x: Any = None, y: Any = None) -> _Pair:
        """The pair of an argument or of a value."""
        pairs, one = (self._by_x, x) if x is not None else (self._by_y, y)
        return pairs.setdefault((id(one), _options(kwargs)), _Pair(x, y))

    def _complete(self, pair: _Pair, kwargs: dict[str, Any], x: Any = None, y: Any = None) -> None:
        """Adds the other side of a pair, by which it is found from now on too."""
        if x is not None and pair.x is None:
            pair.x = x
            self._by_x[id(x), _options(kwargs)] = pair
        if y is not None and pair.y is None:
            pair.y = y
            self._by_y[id(y), _options(kwargs)] = pair

    def _summed(self, at: Any, log_det: Any, least: int, event_ndims: Any, sign: int) -> Any:
        """A log-determinant of events of `least` axes, with a sign, summed over the other axes of an event."""
        if not self._is_injective:
            return tuple(self._sum(at, sign * part, least, event_ndims) for part in log_det)
        return self._sum(at, log_det if sign > 0 else -log_det, least, event_ndims)

    def _sum(self, at: Any, log_det: Any, least: int, event_ndims: Any) -> Any:
        rank = raw.Rank(input=at)
        extents = raw.Shape(input=at)[rank - event_ndims : rank - least]
        ones = raw.Fill(dims=extents, value=np.ones((), log_det.dtype.as_numpy_dtype))
        known = self._static_event_ndims(event_ndims)
        if known is not None:
            axes = list(range(least - known, 0))
        else:
            axes = raw.Range(start=np.int32(least) - event_ndims, limit=0, delta=1)
        total = reduce_sum(ones * log_det, axis=axes)
        if known is not None and at.shape.rank is not None and log_det.shape.rank is not None:
            inner = at.shape[at.shape.rank - known : at.shape.rank - least]
            whole = broadcast_static_shape(log_det.shape, inner)
            total.set_shape(whole[: len(whole) - (known - least)])
        return total

    def _event_checks(self, least: int, event_ndims: Any) -> list[Any]:
        """Assertions that a number of axes is a scalar integer, and at least `least`."""
        tensor = convert_to_tensor(event_ndims, name="event_ndims")
        if not tensor.dtype.is_integer:
            raise ValueError(f"Expected integer dtype, got dtype {tensor.dtype}")
        if tensor.shape.is_fully_defined() and tensor.shape.rank != 0:
            raise ValueError(f"Expected scalar event_ndims, got shape {tensor.shape}")
        known = get_static_value(tensor)
        if known is not None and least > known:
            raise ValueError(f"event_ndims ({known}) must be larger than min_event_ndims ({least})")
        checks = []
        if self.validate_args and known is None:
            checks.append(assert_greater_equal(tensor, least))
        if self.validate_args and not tensor.shape.is_fully_defined():
            checks.append(assert_rank(tensor, 0, message="Expected scalar."))
        return [check for check in checks if check is not None]

    def _static_event_ndims(self, event_ndims: Any) -> int | None:
        known = get_static_value(convert_to_tensor(event_ndims))
        return None if known is None else int(known)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<!^)(?=[A-Z][a-z])", "_", name).lower()


def _key(event_ndims: Any) -> Any:
    """The key of a number of axes in a dictionary: the id of a tensor, else the number."""
    return id(event_ndims) if isinstance(event_ndims, Tensor) else event_ndims


def _options(kwargs: dict[str, Any]) -> Any:
    return tuple(sorted((key, repr(value)) for key, value in kwargs.items()))
