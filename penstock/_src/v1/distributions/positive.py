"""Distributions over positive numbers and proportions: Gamma, Exponential, Beta, Dirichlet."""

from typing import Any

import numpy as np

from penstock._src.api.array.indexing import where
from penstock._src.api.linalg.bands import set_diag
from penstock._src.api.math import elementwise as m
from penstock._src.api.math.arithmetic import xlogy
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.math.special import betainc, igamma, lbeta
from penstock._src.api.random.functions import gamma, uniform
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.distributions.base import (
    FULLY_REPARAMETERIZED,
    Distribution,
    floats,
    new_seed,
    positive,
)
from penstock._src.v1.distributions.divergence import RegisterKL


@export(v1=["distributions.Gamma"])
class Gamma(Distribution):
    """The gamma distribution with shape `concentration` and inverse scale `rate`."""

    def __init__(
        self, concentration: Any, rate: Any, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Gamma",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        self._concentration, self._rate = floats(concentration=concentration, rate=rate)
        if validate_args:
            self._concentration = positive(self._concentration)
            self._rate = positive(self._rate)
        self._initialize(self._rate.dtype, FULLY_REPARAMETERIZED, parameters)

    _shaped = ("concentration", "rate")

    concentration = read_only("_concentration", "The shape.")
    rate = read_only("_rate", "The inverse scale.")

    def _sample_n(self, n: Any, seed: Any) -> Any:
        return gamma([n], self._concentration, self._rate, dtype=self._dtype, seed=seed)

    def _log_prob(self, x: Any) -> Any:
        unnormalized = xlogy(self._concentration - 1.0, x) - self._rate * x
        return unnormalized - (
            m.lgamma(self._concentration) - self._concentration * m.log(self._rate)
        )

    def _cdf(self, x: Any) -> Any:
        return igamma(self._concentration, self._rate * x)

    def _entropy(self) -> Any:
        c = self._concentration
        return c - m.log(self._rate) + m.lgamma(c) + (1.0 - c) * m.digamma(c)

    def _mean(self) -> Any:
        return self._concentration / self._rate

    def _variance(self) -> Any:
        return self._concentration / m.square(self._rate)

    def _stddev(self) -> Any:
        return m.sqrt(self._concentration) / self._rate

    def _mode(self) -> Any:
        mode = (self._concentration - 1.0) / self._rate
        return self._defined(
            self._concentration > 1.0, mode, "mode not defined when any concentration <= 1"
        )


@RegisterKL(Gamma, Gamma)
def _kl_gamma(a: Any, b: Any, name: str | None = None) -> Any:
    return (
        (a.concentration - b.concentration) * m.digamma(a.concentration)
        + m.lgamma(b.concentration)
        - m.lgamma(a.concentration)
        + b.concentration * m.log(a.rate)
        - b.concentration * m.log(b.rate)
        + a.concentration * (b.rate / a.rate - 1.0)
    )


@export(v1=["distributions.Exponential"])
class Exponential(Gamma):
    """The exponential distribution, of mean 1 / rate."""

    def __init__(
        self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "Exponential",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        rate = convert_to_tensor(rate)
        super().__init__(raw.OnesLike(x=rate), rate, validate_args, allow_nan_stats, name)
        self._parameters = {k: v for k, v in parameters.items() if k not in ("self", "__class__")}

    _shaped = ("rate",)

    def _log_survival_function(self, x: Any) -> Any:
        return -self._rate * x

    def _sample_n(self, n: Any, seed: Any) -> Any:
        least = np.finfo(self._dtype.as_numpy_dtype).tiny
        shape = raw.ConcatV2(values=[raw.Pack(values=[n]), raw.Shape(input=self._rate)], axis=0)
        drawn = uniform(shape, least, self._dtype.as_numpy_dtype(1), dtype=self._dtype, seed=seed)
        return -m.log(drawn) / self._rate


@export(v1=["distributions.Beta"])
class Beta(Distribution):
    """The beta distribution of a proportion in [0, 1], given two concentrations."""

    def __init__(
        self, concentration1: Any = None, concentration0: Any = None, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Beta",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        self._one, self._zero = floats(concentration1=concentration1, concentration0=concentration0)
        if validate_args:
            refusal = "Concentration parameter must be positive."
            self._one, self._zero = positive(self._one, refusal), positive(self._zero, refusal)
        self._total = self._one + self._zero
        self._initialize(self._total.dtype, FULLY_REPARAMETERIZED, parameters)

    _shaped = ("concentration1", "concentration0")

    concentration1 = read_only("_one", "Concentration of the share that is the value.")
    concentration0 = read_only("_zero", "Concentration of the other share.")
    total_concentration = read_only("_total", "The sum of both.")

    def _batch_of(self) -> list[Any]:
        return [self._total]

    def _sample_n(self, n: Any, seed: Any) -> Any:
        ones = raw.OnesLike(x=self._total)
        first = gamma([n], ones * self._one, dtype=self._dtype, seed=seed)
        other = gamma([n], ones * self._zero, dtype=self._dtype, seed=new_seed(seed, "beta"))
        return first / (first + other)

    def _log_prob(self, x: Any) -> Any:
        one = xlogy(self._one - 1.0, x)
        zero = (self._zero - 1.0) * m.log1p(-x)
        return one + zero - self._log_normalization()

    def _log_normalization(self) -> Any:
        return m.lgamma(self._one) + m.lgamma(self._zero) - m.lgamma(self._total)

    def _cdf(self, x: Any) -> Any:
        return betainc(self._one, self._zero, x)

    def _entropy(self) -> Any:
        return (
            self._log_normalization()
            - (self._one - 1.0) * m.digamma(self._one)
            - (self._zero - 1.0) * m.digamma(self._zero)
            + (self._total - 2.0) * m.digamma(self._total)
        )

    def _mean(self) -> Any:
        return self._one / self._total

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self._mean()) / (1.0 + self._total)

    def _mode(self) -> Any:
        defined = raw.LogicalAnd(x=self._one > 1.0, y=self._zero > 1.0)
        mode = (self._one - 1.0) / (self._total - 2.0)
        return self._defined(defined, mode, "Mode undefined for concentration <= 1.")


@RegisterKL(Beta, Beta)
def _kl_beta(a: Any, b: Any, name: str | None = None) -> Any:
    return (
        b._log_normalization()
        - a._log_normalization()
        - m.digamma(a.concentration1) * (b.concentration1 - a.concentration1)
        - m.digamma(a.concentration0) * (b.concentration0 - a.concentration0)
        + m.digamma(a.total_concentration) * (b.total_concentration - a.total_concentration)
    )


@export(v1=["distributions.Dirichlet"])
class Dirichlet(Distribution):
    """The Dirichlet distribution of proportions that sum to 1, given concentrations in the last axis."""

    def __init__(
        self, concentration: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "Dirichlet",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        (self._concentration,) = floats(concentration=concentration)
        if validate_args:
            refusal = "Concentration parameter must be positive."
            self._concentration = positive(self._concentration, refusal)
        self._total = reduce_sum(self._concentration, -1)
        self._initialize(self._concentration.dtype, FULLY_REPARAMETERIZED, parameters)

    concentration = read_only("_concentration", "The concentrations.")
    total_concentration = read_only("_total", "Their sum.")

    def _batch_of(self) -> list[Any]:
        return [self._total]

    def _event_size(self) -> list[int | None]:
        return [self._concentration.shape[-1]]

    def _sample_n(self, n: Any, seed: Any) -> Any:
        drawn = gamma([n], self._concentration, dtype=self._dtype, seed=seed)
        return drawn / reduce_sum(drawn, -1, keepdims=True)

    def _log_prob(self, x: Any) -> Any:
        return reduce_sum(xlogy(self._concentration - 1.0, x), -1) - lbeta(self._concentration)

    def _entropy(self) -> Any:
        events = convert_to_tensor(float(self._concentration.shape[-1]), self._dtype)
        inner = reduce_sum((self._concentration - 1.0) * m.digamma(self._concentration), -1)
        return lbeta(self._concentration) + (self._total - events) * m.digamma(self._total) - inner

    def _mean(self) -> Any:
        return self._concentration / self._total[..., None]

    def _variance_scale(self) -> Any:
        return m.rsqrt(1.0 + self._total[..., None])

    def _covariance(self) -> Any:
        x = self._variance_scale() * self._mean()
        products = -raw.BatchMatMulV2(x=x[..., None], y=x[..., None, :])
        return set_diag(products, self._variance())

    def _variance(self) -> Any:
        scale = self._variance_scale()
        x = scale * self._mean()
        return x * (scale - x)

    def _mode(self) -> Any:
        events = convert_to_tensor(float(self._concentration.shape[-1]), self._dtype)
        mode = (self._concentration - 1.0) / (self._total[..., None] - events)
        above = raw.All(input=self._concentration > 1.0, axis=[-1], keep_dims=True)
        defined = where(above, raw.OnesLike(x=mode), raw.ZerosLike(x=mode)) > 0
        return self._defined(defined, mode, "Mode undefined when any concentration <= 1")


@RegisterKL(Dirichlet, Dirichlet)
def _kl_dirichlet(a: Any, b: Any, name: str | None = None) -> Any:
    bend = m.digamma(a.concentration) - m.digamma(reduce_sum(a.concentration, -1, keepdims=True))
    change = a.concentration - b.concentration
    return reduce_sum(change * bend, -1) - lbeta(a.concentration) + lbeta(b.concentration)
