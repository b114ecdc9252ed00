"""The base class of distributions: batches of distributions over scalar or vector events."""

import hashlib
from typing import Any

import numpy as np

from penstock._src.api.array.indexing import where
from penstock._src.api.array.shaping import broadcast_to
from penstock._src.api.math import elementwise as m
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape, broadcast_shapes
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export, export_constant
from penstock._src.util.signatures import named, read_only
from penstock._src.v1.distributions.divergence import divergence_of, kl_divergence


@export(v1=["distributions.ReparameterizationType"])
class ReparameterizationType:
    """Statement that samples are, or are not, differentiable functions of the parameters."""

    def __init__(self, rep_type: str) -> None:
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameterization Type: {self._rep_type}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")
export_constant(None, FULLY_REPARAMETERIZED, v1=["distributions.FULLY_REPARAMETERIZED"])
export_constant(None, NOT_REPARAMETERIZED, v1=["distributions.NOT_REPARAMETERIZED"])


def new_seed(seed: int | None, salt: str) -> int | None:
    """Derives another seed for an additional draw."""
    if seed is None:
        return None
    text = f"{seed}{salt}".encode()
    return int(hashlib.md5(text).hexdigest()[:8], 16) & 0x7FFFFFFF


def floats(**parameters: Any) -> tuple[Any, ...]:
    """The parameters as tensors of one floating-point dtype.

    Raises:
      ValueError: their dtypes differ, or are not floating-point.
    """
    tensors = [convert_to_tensor(value, name=name) for name, value in parameters.items()]
    for tensor in tensors:
        if tensor.dtype != tensors[0].dtype:
            raise ValueError(
                f"{tensor}, type={tensor.dtype}, must be of the same type ({tensors[0].dtype}) as {tensors[0]}."
            )
    if not tensors[0].dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {tensors[0].dtype}.")
    return tuple(tensors)


def checked(tensor: Any, condition: Any, message: str) -> Any:
    """Returns the tensor; fails, in a graph when it is computed, unless the condition is true for all elements."""
    axes = raw.Range(start=0, limit=raw.Rank(input=condition), delta=1)
    holds = raw.Assert(condition=raw.All(input=condition, axis=axes), data=[message])
    if STATE.graph is None:
        return tensor
    with STATE.graph.control_dependencies([holds]):
        return raw.Identity(input=tensor)


def positive(tensor: Any, message: str = "Condition x > 0 did not hold element-wise:") -> Any:
    """Returns the tensor; fails unless all elements are positive."""
    return checked(tensor, raw.Greater(x=tensor, y=convert_to_tensor(0, tensor.dtype)), message)


def filled(shape: Any, value: Any, like: Any) -> Any:
    """A constant tensor with the given shape and the dtype of `like`."""
    return raw.Fill(
        dims=convert_to_tensor(shape, dtypes.int32), value=convert_to_tensor(value, like.dtype)
    )


def _of_value(what: str, documentation: str) -> Any:
    """Returns the public method that computes something of a value."""

    def method(self: Any, value: Any, name: str = what) -> Any:
        return self._answer(what, value)

    return named(method, what, documentation)


def _statistic(what: str, documentation: str) -> Any:
    """Returns the public method that computes a statistic."""

    def method(self: Any, name: str = what) -> Any:
        return self._described(what)

    return named(method, what, documentation)


@export(v1=["distributions.Distribution"])
class Distribution:
    """A batch of distributions. A subclass defines `_log_prob` or `_prob`, `_sample_n`, and any statistics it supports.

    Args:
      dtype: of the samples.
      reparameterization_type: whether gradients flow through samples.
      validate_args: whether parameters and values are checked.
      allow_nan_stats: whether undefined statistics are NaN rather than errors.
      parameters: the arguments of the constructor, for `copy`.
      graph_parents: accepted.
      name: of the distribution.
    """

    # The names of the parameters whose shape is that of samples.
    _shaped: tuple[str, ...] = ()

    def __init__(
        self,
        dtype: Any,
        reparameterization_type: ReparameterizationType,
        validate_args: bool,
        allow_nan_stats: bool,
        parameters: dict[str, Any] | None = None,
        graph_parents: Any = None,
        name: str | None = None,
    ) -> None:
        del graph_parents
        self._dtype = dtypes.as_dtype(dtype)
        self._reparameterization_type = reparameterization_type
        self._validate_args, self._allow_nan_stats = validate_args, allow_nan_stats
        own = {k: v for k, v in (parameters or {}).items() if k not in ("self", "__class__")}
        self._parameters, self._name = own, name or type(self).__name__

    def _initialize(
        self, dtype: Any, kind: ReparameterizationType, arguments: dict[str, Any]
    ) -> None:
        """Initializes from the constructor arguments of a subclass: the common ones, and all of them for `copy`."""
        flags = arguments["validate_args"], arguments["allow_nan_stats"]
        Distribution.__init__(self, dtype, kind, *flags, arguments, name=arguments["name"])

    # -- parameters

    name = read_only("_name", "The name.")
    dtype = read_only("_dtype", "The type of the samples.")

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return dict(self._parameters)

    reparameterization_type = read_only(
        "_reparameterization_type", "Reparameterization type: do gradients pass through samples?"
    )
    allow_nan_stats = read_only("_allow_nan_stats", "True if undefined statistics are NaN.")
    validate_args = read_only("_validate_args", "True if parameters and values are checked.")

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        """Returns the same distribution with other parameters."""
        return type(self)(**{**self._parameters, **override_parameters_kwargs})

    @classmethod
    def param_static_shapes(cls, sample_shape: Any) -> dict[str, TensorShape]:
        """The shapes of the parameters for samples of a shape.

        Raises:
          ValueError: the shape is not static.
        """
        shape = as_shape(sample_shape)
        if not shape.is_fully_defined():
            raise ValueError("TensorShape sample_shape must be fully defined")
        return {name: shape for name in cls._shaped_parameters()}

    @classmethod
    def param_shapes(
        cls, sample_shape: Any, name: str = "DistributionParamShapes"
    ) -> dict[str, Any]:
        """The shapes of the parameters for samples of a shape, as tensors."""
        del name
        shape = convert_to_tensor(sample_shape, dtypes.int32)
        return {parameter: shape for parameter in cls._shaped_parameters()}

    @classmethod
    def _shaped_parameters(cls) -> tuple[str, ...]:
        if not cls._shaped:
            raise NotImplementedError("_param_shapes not implemented")
        return cls._shaped

    # -- shapes

    def _event_size(self) -> list[int | None]:
        """The static shape of an event, with None for unknown dimensions."""
        return []

    def _batch_of(self) -> list[Any]:
        """Return the parameters that determine the batch shape."""
        return [getattr(self, f"_{name}") for name in self._shaped]

    @property
    def batch_shape(self) -> TensorShape:
        """The static shape of the batch."""
        shape = TensorShape([])
        for parameter in self._batch_of():
            shape = broadcast_shapes(shape, parameter.shape)
        return shape

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """The shape of the batch, as int32."""
        del name
        if self.batch_shape.is_fully_defined():
            return convert_to_tensor(np.array(self.batch_shape.as_list(), np.int32))
        shape: Any = convert_to_tensor(np.zeros(0, np.int32))
        for parameter in self._batch_of():
            shape = raw.BroadcastArgs(s0=shape, s1=raw.Shape(input=parameter))
        return shape

    @property
    def event_shape(self) -> TensorShape:
        """The static shape of an event."""
        return TensorShape(self._event_size())

    def event_shape_tensor(self, name: str = "event_shape_tensor") -> Any:
        """The shape of an event, as int32."""
        del name
        return convert_to_tensor(np.array(self.event_shape.as_list(), np.int32))

    def is_scalar_event(self, name: str = "is_scalar_event") -> Any:
        """True if events are scalars."""
        del name
        return convert_to_tensor(self.event_shape.rank == 0)

    def is_scalar_batch(self, name: str = "is_scalar_batch") -> Any:
        """True if the batch shape is that of a single distribution."""
        del name
        return convert_to_tensor(self.batch_shape.rank == 0)

    # -- samples

    def sample(self, sample_shape: Any = (), seed: Any = None, name: str = "sample") -> Any:
        """Samples of shape [*sample_shape, *batch_shape, *event_shape]."""
        del name
        wanted = convert_to_tensor(sample_shape, dtypes.int32)
        flat = raw.Reshape(tensor=wanted, shape=[-1])
        count = raw.Prod(input=flat, axis=[0])
        drawn = self._sample_n(count, seed)
        rest = raw.Shape(input=drawn)[1:]
        result = raw.Reshape(tensor=drawn, shape=raw.ConcatV2(values=[flat, rest], axis=0))
        if not hasattr(result, "numpy") and not isinstance(sample_shape, Tensor):
            known = np.ravel(sample_shape).astype(int).tolist()
            result.set_shape(
                TensorShape(known).concatenate(self.batch_shape).concatenate(self.event_shape)
            )
        return result

    def _sample_n(self, n: Any, seed: Any) -> Any:
        raise NotImplementedError(f"sample_n is not implemented: {type(self).__name__}")

    def _batched(self, n: Any) -> Any:
        """The shape [n, *batch_shape]."""
        return raw.ConcatV2(values=[raw.Pack(values=[n]), self.batch_shape_tensor()], axis=0)

    # -- probabilities

    def _value(self, value: Any) -> Any:
        return convert_to_tensor(value, dtype_hint=self._dtype)

    def _missing(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{what} is not implemented: {type(self).__name__}")

    def _either(self, what: str, value: Any) -> Any:
        """Calls `_<what>`, or computes it from its counterpart: the logarithm from the value, or the value from the
        logarithm."""
        other = what[4:] if what.startswith("log_") else f"log_{what}"
        if self._has(f"_{what}"):
            return getattr(self, f"_{what}")(value)
        if self._has(f"_{other}"):
            counterpart = getattr(self, f"_{other}")(value)
            return m.log(counterpart) if what.startswith("log_") else m.exp(counterpart)
        return None

    def _has(self, method: str) -> bool:
        return hasattr(type(self), method)

    def _answer(self, what: str, value: Any) -> Any:
        value = self._value(value)
        answer = self._either(what, value)
        if answer is None and what.endswith("survival_function"):
            below = self._either("cdf", value)
            if below is not None:
                answer = m.log1p(-below) if what.startswith("log_") else 1.0 - below
        if answer is None:
            raise self._missing(what)
        return answer

    log_prob = _of_value("log_prob", "The logarithm of the probability, or of its density.")
    prob = _of_value("prob", "The probability, or its density.")
    log_cdf = _of_value("log_cdf", "The logarithm of `cdf`.")
    cdf = _of_value("cdf", "P(X <= value).")
    survival_function = _of_value("survival_function", "P(X > value).")
    log_survival_function = _of_value(
        "log_survival_function", "The logarithm of `survival_function`."
    )

    def quantile(self, value: Any, name: str = "quantile") -> Any:
        """The inverse of `cdf`."""
        if not self._has("_quantile"):
            raise self._missing("quantile")
        return self._quantile(self._value(value))  # type: ignore[attr-defined]

    # -- statistics

    def _described(self, what: str) -> Any:
        """A statistic; the variance and the standard deviation are computed from each other."""
        other, convert = {"variance": ("stddev", m.square), "stddev": ("variance", m.sqrt)}.get(
            what, (what, None)
        )
        if self._has(f"_{what}"):
            return getattr(self, f"_{what}")()
        if self._has(f"_{other}"):
            return convert(getattr(self, f"_{other}")())
        raise self._missing(what)

    entropy = _statistic("entropy", "Shannon's entropy in nats.")
    mean = _statistic("mean", "The mean.")
    mode = _statistic("mode", "The most likely value.")
    variance = _statistic("variance", "The variance.")
    stddev = _statistic("stddev", "The standard deviation.")
    covariance = _statistic("covariance", "The covariance matrix of the events.")

    def _defined(self, condition: Any, value: Any, message: str) -> Any:
        """The value where the condition is true, else NaN; raises an error if NaN is not allowed."""
        if self._allow_nan_stats:
            shape = raw.Shape(input=value)
            nan = raw.Fill(dims=shape, value=convert_to_tensor(np.nan, value.dtype))
            return where(broadcast_to(condition, shape), value, nan)
        return checked(value, condition, f"{message} Condition x < y did not hold element-wise:")

    def cross_entropy(self, other: Any, name: str = "cross_entropy") -> Any:
        """The entropy plus the divergence from another distribution."""
        divergence_of(type(self), type(other))
        return self.entropy() + kl_divergence(self, other)

    def kl_divergence(self, other: Any, name: str = "kl_divergence") -> Any:
        """The Kullback-Leibler divergence from another distribution."""
        return kl_divergence(self, other, allow_nan_stats=self._allow_nan_stats)

    def __str__(self) -> str:
        batch = f", batch_shape={self.batch_shape}" if self.batch_shape.rank is not None else ""
        event = f", event_shape={self.event_shape}" if self.event_shape.rank is not None else ""
        return (
            f'tfp.distributions.{type(self).__name__}("{self._name}"{batch}{event}, '
            f"dtype={self._dtype.name})"
        )

    def __repr__(self) -> str:
        return (
            f"<tfp.distributions.{type(self).__name__} '{self._name}' batch_shape={self.batch_shape} "
            f"event_shape={self.event_shape} dtype={self._dtype.name}>"
        )
