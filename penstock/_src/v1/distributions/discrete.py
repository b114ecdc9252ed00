"""Distributions over integers and counts: Bernoulli, Categorical, Multinomial, DirichletMultinomial."""

from typing import Any

from penstock._src.api.array.ranges import one_hot
from penstock._src.api.linalg.bands import set_diag
from penstock._src.api.math import elementwise as m
from penstock._src.api.math.activations import sigmoid, softplus
from penstock._src.api.math.reduction import argmax, reduce_sum
from penstock._src.api.math.special import lbeta
from penstock._src.api.nn.activations import log_softmax, softmax
from penstock._src.api.nn.losses import (
    sigmoid_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from penstock._src.api.random.functions import categorical, gamma, uniform
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.distributions.base import (
    NOT_REPARAMETERIZED,
    Distribution,
    checked,
    floats,
    new_seed,
)
from penstock._src.v1.distributions.divergence import RegisterKL


def _logits_and_probs(
    logits: Any, probs: Any, several: bool, validate_args: bool
) -> tuple[Any, Any]:
    """Returns (logits, probs), one computed from the other.

    Raises:
      ValueError: both or neither are given.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Must pass probs or logits, but not both.")
    if probs is None:
        (logits,) = floats(logits=logits)
        return logits, softmax(logits) if several else sigmoid(logits)
    (probs,) = floats(probs=probs)
    if validate_args:
        probs = checked(probs, probs >= 0.0, "probs has components less than 0.")
        probs = checked(probs, probs <= 1.0, "probs has components greater than 1.")
    return (m.log(probs) if several else m.log(probs) - m.log1p(-probs)), probs


@export(v1=["distributions.Bernoulli"])
class Bernoulli(Distribution):
    """1 with probability `probs`, else 0."""

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = dtypes.int32,
        validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Bernoulli",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        self._logits, self._probs = _logits_and_probs(logits, probs, False, validate_args)
        self._initialize(dtype, NOT_REPARAMETERIZED, parameters)

    _shaped = ("logits",)

    logits = read_only("_logits", "The log-odds of 1.")
    probs = read_only("_probs", "The probability of 1.")

    def _sample_n(self, n: Any, seed: Any) -> Any:
        drawn = uniform(self._batched(n), dtype=self._probs.dtype, seed=seed)
        return m.cast(raw.Less(x=drawn, y=self._probs), self._dtype)

    def _log_prob(self, event: Any) -> Any:
        event = m.cast(event, self._logits.dtype)
        shape = raw.BroadcastArgs(s0=raw.Shape(input=event), s1=raw.Shape(input=self._logits))
        labels, logits = (raw.BroadcastTo(input=t, shape=shape) for t in (event, self._logits))
        return -sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def _entropy(self) -> Any:
        return -self._logits * (sigmoid(self._logits) - 1.0) + softplus(-self._logits)

    def _mean(self) -> Any:
        return raw.Identity(input=self._probs)

    def _variance(self) -> Any:
        return self._probs * (1.0 - self._probs)

    def _mode(self) -> Any:
        return m.cast(self._probs > 0.5, self._dtype)


@RegisterKL(Bernoulli, Bernoulli)
def _kl_bernoulli(a: Any, b: Any, name: str | None = None) -> Any:
    zero = softplus(-a.logits) - softplus(-b.logits)
    one = softplus(a.logits) - softplus(b.logits)
    return -(sigmoid(a.logits) * zero + sigmoid(-a.logits) * one)


@export(v1=["distributions.Categorical"])
class Categorical(Distribution):
    """The index of one of several classes."""

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = dtypes.int32,
        validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Categorical",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        self._logits, self._probs = _logits_and_probs(logits, probs, True, validate_args)
        self._initialize(dtype, NOT_REPARAMETERIZED, parameters)

    @property
    def event_size(self) -> Any:
        """The number of classes, a scalar tensor."""
        known = self._logits.shape[-1] if self._logits.shape.rank is not None else None
        return raw.Shape(input=self._logits)[-1] if known is None else convert_to_tensor(known)

    logits = read_only("_logits", "The unnormalized logarithms of the probabilities.")
    probs = read_only("_probs", "The probabilities.")

    def _batch_of(self) -> list[Any]:
        return [self._logits[..., 0]]

    def _sample_n(self, n: Any, seed: Any) -> Any:
        rows = raw.Reshape(tensor=self._logits, shape=raw.Pack(values=[-1, self.event_size]))
        kind = dtypes.int64 if self._dtype.size > 4 else dtypes.int32
        drawn = categorical(rows, n, dtype=kind, seed=seed)
        turned = raw.Transpose(x=drawn, perm=[1, 0])
        return m.cast(raw.Reshape(tensor=turned, shape=self._batched(n)), self._dtype)

    def _aligned(self, event: Any, values: Any) -> tuple[Any, Any]:
        """Broadcasts events and per-class values to the same batch shape."""
        batch = raw.BroadcastArgs(s0=raw.Shape(input=event), s1=self.batch_shape_tensor())
        whole = raw.ConcatV2(values=[batch, raw.Pack(values=[self.event_size])], axis=0)
        return raw.BroadcastTo(input=event, shape=batch), raw.BroadcastTo(input=values, shape=whole)

    def _log_prob(self, k: Any) -> Any:
        k = m.cast(k, dtypes.int32) if k.dtype.is_floating else k
        events, logits = self._aligned(k, self._logits)
        return -sparse_softmax_cross_entropy_with_logits(labels=events, logits=logits)

    def _cdf(self, k: Any) -> Any:
        events, probs = self._aligned(k, self._probs)
        classes = raw.Range(start=0, limit=self.event_size, delta=1)
        below = raw.Less(x=m.cast(classes, events.dtype), y=events[..., None])
        return reduce_sum(probs * m.cast(below, probs.dtype), -1)

    def _entropy(self) -> Any:
        return -reduce_sum(log_softmax(self._logits) * self._probs, axis=-1)

    def _mode(self) -> Any:
        return m.cast(argmax(self._logits, axis=-1), self._dtype)


@RegisterKL(Categorical, Categorical)
def _kl_categorical(a: Any, b: Any, name: str | None = None) -> Any:
    return reduce_sum(softmax(a.logits) * (log_softmax(a.logits) - log_softmax(b.logits)), axis=-1)


def _log_combinations(total: Any, counts: Any) -> Any:
    """The logarithm of the multinomial coefficient."""
    return m.lgamma(total + 1.0) - reduce_sum(m.lgamma(counts + 1.0), -1)


class _Counts(Distribution):
    """Distribution of the number of draws of each class in `total_count` draws."""

    def __init__(self, total_count: Any, classes: Any, validate_args: bool, **rest: Any) -> None:
        self._total_count = convert_to_tensor(total_count, classes.dtype)
        self._classes = classes
        if validate_args:
            refusal = "total_count must be non-negative."
            self._total_count = checked(self._total_count, self._total_count >= 0.0, refusal)
        super().__init__(classes.dtype, NOT_REPARAMETERIZED, validate_args, **rest)

    total_count = read_only("_total_count", "The number of draws.")

    def _batch_of(self) -> list[Any]:
        return [self._classes[..., 0], self._total_count]

    def _event_size(self) -> list[int | None]:
        return [self._classes.shape[-1]]

    def _counts(self, counts: Any) -> Any:
        """Counts that have been checked, if arguments are."""
        if not self._validate_args:
            return counts
        counts = checked(counts, counts >= 0.0, "Condition x >= 0: counts must be non-negative.")
        refusal = "counts last-dimension must sum to `self.total_count`"
        fits = raw.Equal(x=reduce_sum(counts, -1), y=self._total_count)
        whole = raw.Equal(x=raw.Floor(x=counts), y=counts)
        counts = checked(counts, whole, "counts cannot contain fractional components.")
        return checked(counts, fits, refusal)

    def _counted(self, logits: Any, n: Any, seed: Any) -> Any:
        """Counts of draws, [n, *batch, classes], from logits [*batch or n x *batch, classes]."""
        count = int(self._classes.shape[-1])
        rows = raw.Reshape(tensor=logits, shape=[-1, count])
        total = m.cast(reduce_max(self._total_count), dtypes.int32)
        drawn = categorical(rows, total * n, dtype=dtypes.int32, seed=seed)
        parted = raw.Reshape(tensor=drawn, shape=raw.Pack(values=[-1, n, total]))
        place = raw.Range(start=0, limit=total, delta=1)
        limits = raw.Reshape(
            tensor=raw.BroadcastTo(input=self._total_count, shape=self.batch_shape_tensor()),
            shape=[-1, 1, 1],
        )
        used = m.cast(m.cast(place, self._dtype) < limits, self._dtype)[..., None]
        counts = reduce_sum(one_hot(parted, count, dtype=self._dtype) * used, -2)
        turned = raw.Transpose(x=counts, perm=[1, 0, 2])
        shape = raw.ConcatV2(values=[self._batched(n), [count]], axis=0)
        return raw.Reshape(tensor=turned, shape=shape)


def reduce_max(tensor: Any) -> Any:
    """The maximum of a tensor."""
    return raw.Max(input=tensor, axis=list(range(tensor.shape.rank or 0)))


@export(v1=["distributions.Multinomial"])
class Multinomial(_Counts):
    """Counts of classes with fixed probabilities."""

    def __init__(
        self, total_count: Any, logits: Any = None, probs: Any = None, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Multinomial",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        self._logits, self._probs = _logits_and_probs(logits, probs, True, validate_args)
        super().__init__(
            total_count, self._logits, validate_args, allow_nan_stats=allow_nan_stats,
            parameters=parameters, name=name,
        )  # fmt: skip
        self._mean_val = self._total_count[..., None] * self._probs

    logits = read_only("_logits", "The unnormalized logarithms of the probabilities.")
    probs = read_only("_probs", "The probabilities.")

    def _sample_n(self, n: Any, seed: Any) -> Any:
        whole = raw.ConcatV2(values=[self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return self._counted(raw.BroadcastTo(input=self._logits, shape=whole), n, seed)

    def _log_prob(self, counts: Any) -> Any:
        counts = self._counts(counts)
        return reduce_sum(counts * log_softmax(self._logits), -1) + _log_combinations(
            self._total_count, counts
        )

    def _mean(self) -> Any:
        return raw.Identity(input=self._mean_val)

    def _covariance(self) -> Any:
        p = self._probs * raw.OnesLike(x=self._total_count)[..., None]
        products = -raw.BatchMatMulV2(x=self._mean_val[..., None], y=p[..., None, :])
        return set_diag(products, self._variance())

    def _variance(self) -> Any:
        p = self._probs * raw.OnesLike(x=self._total_count)[..., None]
        return self._mean_val - self._mean_val * p


@export(v1=["distributions.DirichletMultinomial"])
class DirichletMultinomial(_Counts):
    """Counts of classes with probabilities drawn from a Dirichlet distribution."""

    def __init__(
        self, total_count: Any, concentration: Any, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "DirichletMultinomial",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        (self._concentration,) = floats(concentration=concentration)
        super().__init__(
            total_count, self._concentration, validate_args, allow_nan_stats=allow_nan_stats,
            parameters=parameters, name=name,
        )  # fmt: skip
        self._total = reduce_sum(self._concentration, -1)

    concentration = read_only("_concentration", "The concentrations.")
    total_concentration = read_only("_total", "Their sum.")

    def _sample_n(self, n: Any, seed: Any) -> Any:
        count = int(self._concentration.shape[-1])
        total = m.cast(reduce_max(self._total_count), dtypes.int32)
        whole = raw.ConcatV2(values=[self.batch_shape_tensor(), [count]], axis=0)
        concentration = raw.BroadcastTo(input=self._concentration, shape=whole)
        weights = gamma([n], concentration, dtype=self._dtype, seed=seed)
        rows = raw.Reshape(tensor=m.log(weights), shape=[-1, count])
        drawn = categorical(
            rows, total, dtype=dtypes.int32, seed=new_seed(seed, "dirichlet_multinomial")
        )
        counts = reduce_sum(one_hot(drawn, count, dtype=self._dtype), -2)
        shape = raw.ConcatV2(values=[self._batched(n), [count]], axis=0)
        return raw.Reshape(tensor=counts, shape=shape)

    def _log_prob(self, counts: Any) -> Any:
        counts = self._counts(counts)
        ordered = lbeta(self._concentration + counts) - lbeta(self._concentration)
        return ordered + _log_combinations(self._total_count, counts)

    def _mean(self) -> Any:
        return self._total_count * (self._concentration / self._total[..., None])

    def _variance_scale(self) -> Any:
        total = self._total[..., None]
        # As in TensorFlow, a batch of total counts has a last axis of 1 here.
        return m.sqrt((1.0 + total / self._total_count) / (1.0 + total))

    def _covariance(self) -> Any:
        x = self._variance_scale() * self._mean()
        products = -raw.BatchMatMulV2(x=x[..., None], y=x[..., None, :])
        return set_diag(products, self._variance())

    def _variance(self) -> Any:
        scale = self._variance_scale()
        x = scale * self._mean()
        return x * (self._total_count * scale - x)
