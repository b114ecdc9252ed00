"""Distributions over the real line or an interval: Normal, Laplace, Uniform, StudentT."""

import math
from typing import Any

import numpy as np

from penstock._src.api.array.indexing import where
from penstock._src.api.math import elementwise as m
from penstock._src.api.math.arithmetic import maximum, minimum
from penstock._src.api.math.special import betainc
from penstock._src.api.random.functions import gamma, normal, uniform
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.distributions.base import (
    FULLY_REPARAMETERIZED,
    Distribution,
    checked,
    filled,
    floats,
    new_seed,
    positive,
)
from penstock._src.v1.distributions.divergence import RegisterKL

# Outside of these bounds, the logarithm of the normal cdf is computed from a series.
_TAILS = {"float16": (-10.0, 5.0), "float32": (-10.0, 5.0), "float64": (-20.0, 8.0)}


def ndtr(x: Any) -> Any:
    """The cdf of the standard normal distribution, by erf in the middle and erfc in the tails."""
    half_root = math.sqrt(0.5)
    scaled = x * half_root
    size = m.abs(scaled)
    tails = where(scaled > 0, 2.0 - m.erfc(size), m.erfc(size))
    return 0.5 * where(size < half_root, 1.0 + m.erf(scaled), tails)


def log_ndtr(x: Any) -> Any:
    """The logarithm of `ndtr`, accurate also where `ndtr` underflows."""
    lower, upper = _TAILS[x.dtype.name]
    low = minimum(x, convert_to_tensor(lower, x.dtype))
    middle = m.log(ndtr(maximum(x, convert_to_tensor(lower, x.dtype))))
    square = low * low
    # The asymptotic series of erfc, to the third order.
    series = 1.0 - 1.0 / square + 3.0 / square**2 - 15.0 / square**3
    tail = -0.5 * square - m.log(-low) - 0.5 * math.log(2 * math.pi) + m.log(series)
    return where(x > upper, -ndtr(-x), where(x > lower, middle, tail))


class _LocationScale(Distribution):
    """A distribution with a location and a scale."""

    def _place(self, arguments: dict[str, Any]) -> None:
        """Initializes from the constructor arguments."""
        self._loc, self._scale = floats(loc=arguments["loc"], scale=arguments["scale"])
        if arguments["validate_args"]:
            self._scale = positive(self._scale)
        self._initialize(self._scale.dtype, FULLY_REPARAMETERIZED, arguments)

    _shaped = ("loc", "scale")

    loc = read_only("_loc", "Location of the distribution's center.")
    scale = read_only("_scale", "Scale of the distribution.")

    def _z(self, value: Any) -> Any:
        return (value - self._loc) / self._scale

    def _mean(self) -> Any:
        return self._loc * raw.OnesLike(x=self._scale)

    _mode = _mean


@export(v1=["distributions.Normal"])
class Normal(_LocationScale):
    """The normal distribution with mean `loc` and standard deviation `scale`."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "Normal",
    ) -> None:  # fmt: skip
        self._place(dict(locals()))

    def _sample_n(self, n: Any, seed: Any) -> Any:
        return normal(self._batched(n), dtype=self._dtype, seed=seed) * self._scale + self._loc

    def _log_prob(self, x: Any) -> Any:
        normalization = 0.5 * math.log(2.0 * math.pi) + m.log(self._scale)
        return -0.5 * m.square(self._z(x)) - normalization

    def _cdf(self, x: Any) -> Any:
        return ndtr(self._z(x))

    def _log_cdf(self, x: Any) -> Any:
        return log_ndtr(self._z(x))

    def _survival_function(self, x: Any) -> Any:
        return ndtr(-self._z(x))

    def _log_survival_function(self, x: Any) -> Any:
        return log_ndtr(-self._z(x))

    def _quantile(self, p: Any) -> Any:
        return m.ndtri(p) * self._scale + self._loc

    def _entropy(self) -> Any:
        ones = raw.OnesLike(x=self._loc)
        return 0.5 * math.log(2.0 * math.pi * math.e) + m.log(self._scale * ones)

    def _stddev(self) -> Any:
        return self._scale * raw.OnesLike(x=self._loc)


@RegisterKL(Normal, Normal)
def _kl_normal(a: Any, b: Any, name: str | None = None) -> Any:
    ratio = m.square(a.scale) / m.square(b.scale)
    return m.square(a.loc - b.loc) / (2.0 * m.square(b.scale)) + 0.5 * (ratio - 1.0 - m.log(ratio))


@export(v1=["distributions.Laplace"])
class Laplace(_LocationScale):
    """Two exponential distributions back to back."""

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True,
        name: str = "Laplace",
    ) -> None:  # fmt: skip
        self._place(dict(locals()))

    def _sample_n(self, n: Any, seed: Any) -> Any:
        kind = self._dtype.as_numpy_dtype
        low = np.nextafter(kind(-1.0), kind(0.0))
        drawn = uniform(self._batched(n), low, kind(1), dtype=self._dtype, seed=seed)
        return self._loc - self._scale * m.sign(drawn) * m.log1p(-m.abs(drawn))

    def _log_prob(self, x: Any) -> Any:
        return -m.abs(self._z(x)) - math.log(2.0) - m.log(self._scale)

    def _log_cdf(self, x: Any) -> Any:
        return self._log_half(self._z(x))

    def _log_survival_function(self, x: Any) -> Any:
        return self._log_half(-self._z(x))

    @staticmethod
    def _log_half(z: Any) -> Any:
        return where(z <= 0, z - math.log(2.0), m.log1p(-0.5 * m.exp(-m.abs(z))))

    def _cdf(self, x: Any) -> Any:
        z = self._z(x)
        return 0.5 + 0.5 * m.sign(z) * (1.0 - m.exp(-m.abs(z)))

    def _entropy(self) -> Any:
        return math.log(2.0) + 1.0 + m.log(self._scale + raw.ZerosLike(x=self._loc))

    def _stddev(self) -> Any:
        return math.sqrt(2.0) * (self._scale + raw.ZerosLike(x=self._loc))


@export(v1=["distributions.Uniform"])
class Uniform(Distribution):
    """All numbers in [low, high), equally likely."""

    def __init__(
        self, low: Any = 0.0, high: Any = 1.0, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "Uniform",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        self._low, self._high = floats(low=low, high=high)
        if validate_args:
            refusal = (
                "uniform not defined when low >= high. Condition x < y did not hold element-wise:"
            )
            self._low = checked(self._low, self._low < self._high, refusal)
        self._initialize(self._low.dtype, FULLY_REPARAMETERIZED, parameters)

    _shaped = ("low", "high")

    low = read_only("_low", "The lower end.")
    high = read_only("_high", "The upper end, which is not reached.")

    def range(self, name: str = "range") -> Any:
        """high - low."""
        return self._high - self._low

    def _sample_n(self, n: Any, seed: Any) -> Any:
        drawn = uniform(self._batched(n), dtype=self._dtype, seed=seed)
        return self._low + self.range() * drawn

    def _prob(self, x: Any) -> Any:
        density = filled(self.batch_shape_tensor(), 1, x) / self.range()
        outside = raw.LogicalOr(x=x < self._low, y=x >= self._high)
        known = where(outside, raw.ZerosLike(x=density), density)
        return where(m.is_nan(x), x, known)

    def _cdf(self, x: Any) -> Any:
        share = (x - self._low) / self.range()
        zeros, ones = raw.ZerosLike(x=x * share), raw.OnesLike(x=x * share)
        return where(x < self._low, zeros, where(x >= self._high, ones, share))

    def _entropy(self) -> Any:
        return m.log(self.range())

    def _mean(self) -> Any:
        return (self._low + self._high) / 2.0

    def _variance(self) -> Any:
        return m.square(self.range()) / 12.0

    def _stddev(self) -> Any:
        return self.range() / math.sqrt(12.0)


@export(v1=["distributions.StudentT"])
class StudentT(Distribution):
    """Student's t distribution with `df` degrees of freedom, location `loc` and scale `scale`."""

    def __init__(
        self, df: Any, loc: Any, scale: Any, validate_args: bool = False,
        allow_nan_stats: bool = True, name: str = "StudentT",
    ) -> None:  # fmt: skip
        parameters = dict(locals())
        self._df, self._loc, self._scale = floats(df=df, loc=loc, scale=scale)
        if validate_args:
            self._df = positive(self._df)
        self._initialize(self._scale.dtype, FULLY_REPARAMETERIZED, parameters)

    _shaped = ("df", "loc", "scale")

    df = read_only("_df", "The degrees of freedom.")
    loc = read_only("_loc", "Location of the distribution's center.")
    scale = read_only("_scale", "Scale of the distribution.")

    def _sample_n(self, n: Any, seed: Any) -> Any:
        drawn = normal(self._batched(n), dtype=self._dtype, seed=seed)
        df = self._df * filled(self.batch_shape_tensor(), 1, self._df)
        divisor = gamma(
            [n], 0.5 * df, beta=convert_to_tensor(0.5, self._dtype), dtype=self._dtype,
            seed=new_seed(seed, "student_t"),
        )  # fmt: skip
        return drawn * m.rsqrt(divisor / df) * self._scale + self._loc

    def _log_prob(self, x: Any) -> Any:
        z = (x - self._loc) / self._scale
        unnormalized = -0.5 * (self._df + 1.0) * m.log1p(z**2.0 / self._df)
        return unnormalized - self._log_normalization()

    def _log_normalization(self) -> Any:
        gammas = m.lgamma(0.5 * self._df) - m.lgamma(0.5 * (self._df + 1.0))
        root = 0.5 * m.log(self._df) + 0.5 * math.log(math.pi)
        return m.log(m.abs(self._scale)) + root + gammas

    def _cdf(self, x: Any) -> Any:
        z = (x - self._loc) / m.abs(self._scale)
        share = self._df / (z**2.0 + self._df)
        tail = 0.5 * betainc(0.5 * self._df, filled(raw.Shape(input=share), 0.5, share), share)
        return where(z < 0.0, tail, 1.0 - tail)

    def _entropy(self) -> Any:
        ones = filled(self.batch_shape_tensor(), 1, self._df)
        df, half = self._df * ones, 0.5 * (self._df + 1.0) * ones
        beta = m.lgamma(0.5 * df) + math.log(math.sqrt(math.pi)) - m.lgamma(half)
        bend = half * (m.digamma(half) - m.digamma(0.5 * df))
        return m.log(m.abs(self._scale)) + 0.5 * m.log(df) + beta + bend

    def _mean(self) -> Any:
        mean = self._loc * filled(self.batch_shape_tensor(), 1, self._loc)
        return self._defined(self._df > 1.0, mean, "mean not defined for components of df <= 1")

    def _variance(self) -> Any:
        ones = filled(self.batch_shape_tensor(), 1, self._df)
        df = self._df * ones
        finite = df > 2.0
        safe = where(finite, df - 2.0, ones)
        variance = where(finite, m.square(self._scale) * df / safe, ones * np.inf)
        return self._defined(df > 1.0, variance, "variance not defined for components of df <= 1")

    def _mode(self) -> Any:
        return raw.Identity(input=self._loc)
