"""Learning rate schedules of tf.compat.v1.train.

In a graph each function returns the rate as a tensor; eagerly it returns a function without arguments,
so that the rate follows the step.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.api.random.functions import normal
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.export import export

Rate = Callable[[Any], Any]


def _scheduled(rate: Rate, global_step: Any, name: str) -> Any:
    """The rate at a step: a tensor in a graph, else a function without arguments."""
    if STATE.graph is None:
        return functools.partial(rate, global_step)
    with STATE.graph.name_scope(name):
        return rate(global_step)


def _fraction(step: Any, decay_steps: Any, rate: Any, staircase: bool = False) -> Any:
    """step / decay_steps in the dtype of the rate, rounded down if `staircase`."""
    if step is None:
        raise ValueError("`global_step` is required for learning rate decays.")
    passed = cast(convert_to_tensor(step), rate.dtype) / cast(
        convert_to_tensor(decay_steps), rate.dtype
    )
    return raw.Floor(x=passed) if staircase else passed


def _at_most_one(fraction: Any) -> Any:
    return raw.Minimum(x=fraction, y=convert_to_tensor(1.0, fraction.dtype))


@export(v1=["train.exponential_decay"])
def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * decay_rate ** (global_step / decay_steps)."""

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        fraction = _fraction(step, decay_steps, first, staircase)
        return first * raw.Pow(x=convert_to_tensor(decay_rate, first.dtype), y=fraction)

    return _scheduled(rate, global_step, name or "ExponentialDecay")


@export(v1=["train.natural_exp_decay"])
def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        fraction = _fraction(step, decay_steps, first, staircase)
        return first * raw.Exp(x=-convert_to_tensor(decay_rate, first.dtype) * fraction)

    return _scheduled(rate, global_step, name or "NaturalExpDecay")


@export(v1=["train.inverse_time_decay"])
def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        fraction = _fraction(step, decay_steps, first, staircase)
        return first / (1.0 + convert_to_tensor(decay_rate, first.dtype) * fraction)

    return _scheduled(rate, global_step, name or "InverseTimeDecay")


@export(v1=["train.polynomial_decay"])
def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """Decays from `learning_rate` to `end_learning_rate` by a power of the remaining fraction of `decay_steps`.

    With `cycle`, `decay_steps` is replaced by its next multiple above the step.
    """

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        last = convert_to_tensor(end_learning_rate, first.dtype)
        passed = _fraction(step, decay_steps, first)
        if cycle:
            periods = raw.Maximum(x=raw.Ceil(x=passed), y=convert_to_tensor(1.0, first.dtype))
            passed = passed / periods
        left = 1.0 - _at_most_one(passed)
        return (first - last) * raw.Pow(x=left, y=convert_to_tensor(power, first.dtype)) + last

    return _scheduled(rate, global_step, name or "PolynomialDecay")


@export(v1=["train.piecewise_constant", "train.piecewise_constant_decay"])
def piecewise_constant(
    x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None
) -> Any:
    """values[i] for boundaries[i - 1] < x <= boundaries[i].

    Raises:
      ValueError: the number of values does not match, or dtypes differ.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")

    def rate(step: Any) -> Any:
        at = convert_to_tensor(step)
        edges = [_edge(b, at) for b in boundaries]
        choices = raw.Pack(values=[convert_to_tensor(v) for v in values])
        above = [raw.Cast(x=raw.Greater(x=at, y=edge), DstT=np.int32) for edge in edges]
        index = raw.AddN(inputs=above) if above else convert_to_tensor(0)
        return raw.GatherV2(params=choices, indices=index, axis=0)

    if STATE.graph is None:
        at = convert_to_tensor(x)
        for boundary in boundaries:
            _edge(boundary, at)
    return _scheduled(rate, x, name or "PiecewiseConstant")


def _edge(boundary: Any, at: Any) -> Any:
    made = convert_to_tensor(boundary)
    if made.dtype == at.dtype or (made.dtype.is_integer and at.dtype.is_integer):
        return cast(made, at.dtype)
    raise ValueError(f"Boundaries ({made.dtype}) must have the same dtype as x ({at.dtype}).")


def _half_wave(fraction: Any) -> Any:
    """Half a cosine wave, from 1 to 0."""
    pi = convert_to_tensor(math.pi, fraction.dtype)
    return 0.5 * (1.0 + raw.Cos(x=pi * fraction))


@export(v1=["train.cosine_decay"])
def cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    alpha: float = 0.0,
    name: str | None = None,
) -> Any:
    """Decays from `learning_rate` to `alpha * learning_rate` along half a cosine wave."""

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        wave = _half_wave(_at_most_one(_fraction(step, decay_steps, first)))
        return first * ((1.0 - alpha) * wave + alpha)

    return _scheduled(rate, global_step, name or "CosineDecay")


@export(v1=["train.cosine_decay_restarts"])
def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: float = 1.0,
    alpha: float = 0.0,
    name: str | None = None,
) -> Any:
    """Half cosine waves, each `t_mul` times as long and `m_mul` times as high as the previous one."""

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        passed = _fraction(step, first_decay_steps, first)
        if t_mul == 1.0:
            period = raw.Floor(x=passed)
            within = passed - period
        else:
            # The waves before wave n have a total length of (1 - t_mul**n) / (1 - t_mul) times the first.
            growth = raw.Log(x=1.0 - passed * (1.0 - t_mul)) / math.log(t_mul)
            period = raw.Floor(x=growth)
            length = raw.Pow(x=convert_to_tensor(t_mul, first.dtype), y=period)
            within = (passed - (1.0 - length) / (1.0 - t_mul)) / length
        height = raw.Pow(x=convert_to_tensor(m_mul, first.dtype), y=period)
        return first * ((1.0 - alpha) * height * _half_wave(within) + alpha)

    return _scheduled(rate, global_step, name or "SGDRDecay")


@export(v1=["train.linear_cosine_decay"])
def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Any:
    """Cosine waves times a linear decay (Bello et al. 2017, https://arxiv.org/abs/1709.07417)."""

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        passed = _at_most_one(_fraction(step, decay_steps, first))
        wave = _half_wave(2.0 * num_periods * passed)
        return first * ((alpha + 1.0 - passed) * wave + beta)

    return _scheduled(rate, global_step, name or "LinearCosineDecay")


@export(v1=["train.noisy_linear_cosine_decay"])
def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: float = 1.0,
    variance_decay: float = 0.55,
    num_periods: float = 0.5,
    alpha: float = 0.0,
    beta: float = 0.001,
    name: str | None = None,
) -> Any:
    """`linear_cosine_decay` with noise of variance initial_variance / (1 + global_step)**variance_decay."""

    def rate(step: Any) -> Any:
        first = convert_to_tensor(learning_rate)
        passed = _at_most_one(_fraction(step, decay_steps, first))
        steps = passed * cast(convert_to_tensor(decay_steps), first.dtype)
        variance = initial_variance / raw.Pow(
            x=1.0 + steps, y=convert_to_tensor(variance_decay, first.dtype)
        )
        noise = normal([], dtype=first.dtype) * raw.Sqrt(x=variance)
        wave = _half_wave(2.0 * num_periods * passed)
        return first * ((alpha + 1.0 - passed + noise) * wave + beta)

    return _scheduled(rate, global_step, name or "NoisyLinearCosineDecay")
