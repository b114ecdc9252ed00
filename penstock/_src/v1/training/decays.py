"""Learning rate schedules of tf.compat.v1.train.

In a graph each function returns the rate as a tensor; eagerly it returns a function without arguments,
so that the rate follows the step.
"""

import functools
import inspect
import math

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.api.random.functions import normal
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.export import export


def _schedule(scope):
    """Decorator that makes a schedule of a function that computes a rate; `scope` is its default name."""

    def decorate(rate):
        signature = inspect.signature(rate)

        @functools.wraps(rate)
        def schedule(*args, **kwargs):
            arguments = signature.bind(*args, **kwargs).arguments
            if STATE.graph is None:
                return functools.partial(rate, **arguments)
            with STATE.graph.name_scope(arguments.get("name") or scope):
                return rate(**arguments)

        return schedule

    return decorate


def _fraction(step, decay_steps, rate, staircase=False):
    """step / decay_steps in the dtype of the rate, rounded down if `staircase`."""
    if step is None:
        raise ValueError("`global_step` is required for learning rate decays.")
    passed = cast(convert_to_tensor(step), rate.dtype) / cast(
        convert_to_tensor(decay_steps), rate.dtype
    )
    return raw.Floor(x=passed) if staircase else passed


def _at_most_one(fraction):
    return raw.Minimum(x=fraction, y=convert_to_tensor(1.0, fraction.dtype))


@export(v1=["train.exponential_decay"])
@_schedule("ExponentialDecay")
def exponential_decay(
    learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None
):
    """learning_rate * decay_rate ** (global_step / decay_steps)."""
    first = convert_to_tensor(learning_rate)
    fraction = _fraction(global_step, decay_steps, first, staircase)
    return first * raw.Pow(x=convert_to_tensor(decay_rate, first.dtype), y=fraction)


@export(v1=["train.natural_exp_decay"])
@_schedule("NaturalExpDecay")
def natural_exp_decay(
    learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None
):
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""
    first = convert_to_tensor(learning_rate)
    fraction = _fraction(global_step, decay_steps, first, staircase)
    return first * raw.Exp(x=-convert_to_tensor(decay_rate, first.dtype) * fraction)


@export(v1=["train.inverse_time_decay"])
@_schedule("InverseTimeDecay")
def inverse_time_decay(
    learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None
):
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    first = convert_to_tensor(learning_rate)
    fraction = _fraction(global_step, decay_steps, first, staircase)
    return first / (1.0 + convert_to_tensor(decay_rate, first.dtype) * fraction)


@export(v1=["train.polynomial_decay"])
@_schedule("PolynomialDecay")
def polynomial_decay(
    learning_rate,
    global_step,
    decay_steps,
    end_learning_rate=0.0001,
    power=1.0,
    cycle=False,
    name=None,
):
    """Decays from `learning_rate` to `end_learning_rate` by a power of the remaining fraction of `decay_steps`.

    With `cycle`, `decay_steps` is replaced by its next multiple above the step.
    """
    first = convert_to_tensor(learning_rate)
    last = convert_to_tensor(end_learning_rate, first.dtype)
    passed = _fraction(global_step, decay_steps, first)
    if cycle:
        periods = raw.Maximum(x=raw.Ceil(x=passed), y=convert_to_tensor(1.0, first.dtype))
        passed = passed / periods
    left = 1.0 - _at_most_one(passed)
    return (first - last) * raw.Pow(x=left, y=convert_to_tensor(power, first.dtype)) + last


@export(v1=["train.piecewise_constant", "train.piecewise_constant_decay"])
def piecewise_constant(x, boundaries, values, name=None):
    """values[i] for boundaries[i - 1] < x <= boundaries[i].

    Raises:
      ValueError: the number of values does not match, or dtypes differ.
    """
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    if STATE.graph is None:
        _edges(boundaries, convert_to_tensor(x))
    return _piecewise(x, boundaries, values, name)


@_schedule("PiecewiseConstant")
def _piecewise(x, boundaries, values, name):
    at = convert_to_tensor(x)
    choices = raw.Pack(values=[convert_to_tensor(v) for v in values])
    above = [
        raw.Cast(x=raw.Greater(x=at, y=edge), DstT=np.int32) for edge in _edges(boundaries, at)
    ]
    index = raw.AddN(inputs=above) if above else convert_to_tensor(0)
    return raw.GatherV2(params=choices, indices=index, axis=0)


def _edges(boundaries, at):
    """The boundaries in the dtype of the step."""
    edges = [convert_to_tensor(boundary) for boundary in boundaries]
    for edge in edges:
        if edge.dtype != at.dtype and not (edge.dtype.is_integer and at.dtype.is_integer):
            raise ValueError(
                f"Boundaries ({edge.dtype}) must have the same dtype as x ({at.dtype})."
            )
    return [cast(edge, at.dtype) for edge in edges]


def _half_wave(fraction):
    """Half a cosine wave, from 1 to 0."""
    pi = convert_to_tensor(math.pi, fraction.dtype)
    return 0.5 * (1.0 + raw.Cos(x=pi * fraction))


@export(v1=["train.cosine_decay"])
@_schedule("CosineDecay")
def cosine_decay(learning_rate, global_step, decay_steps, alpha=0.0, name=None):
    """Decays from `learning_rate` to `alpha * learning_rate` along half a cosine wave."""
    first = convert_to_tensor(learning_rate)
    wave = _half_wave(_at_most_one(_fraction(global_step, decay_steps, first)))
    return first * ((1.0 - alpha) * wave + alpha)


@export(v1=["train.cosine_decay_restarts"])
@_schedule("SGDRDecay")
def cosine_decay_restarts(
    learning_rate, global_step, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name=None
):
    """Half cosine waves, each `t_mul` times as long and `m_mul` times as high as the previous one."""
    first = convert_to_tensor(learning_rate)
    passed = _fraction(global_step, first_decay_steps, first)
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


@export(v1=["train.linear_cosine_decay"])
@_schedule("LinearCosineDecay")
def linear_cosine_decay(
    learning_rate, global_step, decay_steps, num_periods=0.5, alpha=0.0, beta=0.001, name=None
):
    """Cosine waves times a linear decay (Bello et al. 2017, https://arxiv.org/abs/1709.07417)."""
    first = convert_to_tensor(learning_rate)
    passed = _at_most_one(_fraction(global_step, decay_steps, first))
    wave = _half_wave(2.0 * num_periods * passed)
    return first * ((alpha + 1.0 - passed) * wave + beta)


@export(v1=["train.noisy_linear_cosine_decay"])
@_schedule("NoisyLinearCosineDecay")
def noisy_linear_cosine_decay(
    learning_rate,
    global_step,
    decay_steps,
    initial_variance=1.0,
    variance_decay=0.55,
    num_periods=0.5,
    alpha=0.0,
    beta=0.001,
    name=None,
):
    """`linear_cosine_decay` with noise of variance initial_variance / (1 + global_step)**variance_decay."""
    first = convert_to_tensor(learning_rate)
    passed = _at_most_one(_fraction(global_step, decay_steps, first))
    steps = passed * cast(convert_to_tensor(decay_steps), first.dtype)
    variance = initial_variance / raw.Pow(
        x=1.0 + steps, y=convert_to_tensor(variance_decay, first.dtype)
    )
    noise = normal([], dtype=first.dtype) * raw.Sqrt(x=variance)
    wave = _half_wave(2.0 * num_periods * passed)
    return first * ((alpha + 1.0 - passed + noise) * wave + beta)
