"""Runs a call eagerly, interpreted and compiled, with gradients where it has floats."""

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.core import registry
from penstock._src.core.errors import OpError
from penstock._src.util import flags
from tests.fuzz.calls import call as calls
from tests.fuzz.calls import resources

INTERPRETED = {"device": "reference"}
WAYS: dict[str, dict[str, Any]] = {"interpreted": INTERPRETED, "compiled": {}}
FLOATING = ("float16", "bfloat16", "float32", "float64")
# Larger results are not run compiled again: the eager call has shown what it does with such sizes.
MOST_ELEMENTS = 100_000


@dataclass
class Outcome:
    """What came of a call: host values of results and gradients, or an error."""

    values: list[Any] = field(default_factory=list)
    gradients: list[Any] = field(default_factory=list)
    error: BaseException | None = None


def arguments_of(call: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a call."""
    return calls.bound(tf, call, resources, input_names(call))


def input_names(call: dict[str, Any]) -> list[str]:
    """The names of a raw op's inputs."""
    return [argument.name for argument in registry.find(call["op"]).inputs] if "op" in call else []


def guarded(run: Callable[[], Outcome]) -> Outcome:
    """What came of a run, errors of any class included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run()
        except BaseException as error:  # whatever a call raises is what this looks for
            return Outcome(error=error)


def eagerly(call: dict[str, Any], arguments: dict[str, Any]) -> Outcome:
    """Calls it op by op."""
    function = calls.target(tf, call)

    def run() -> Outcome:
        sources = floats(arguments)
        if not has_gradient(call) or not sources:
            return Outcome(calls.host_values(function(**arguments)))
        with tf.GradientTape() as tape:
            for source in sources:
                tape.watch(source)
            result = function(**arguments)
        outcome = Outcome(calls.host_values(result))
        outcome.gradients = gradients(tape, result, sources)
        return outcome

    return guarded(run)


def in_function(
    call: dict[str, Any], arguments: dict[str, Any], way: str, seed: int, differentiated: bool
) -> Outcome:
    """Calls it in a tf.function whose inputs are the tensors among the arguments."""
    function = calls.target(tf, call)
    keeps = random.Random(seed).random() < 0.5  # small integers are constants of the function
    places: list[tuple[str, int | None]] = []
    tensors: list[Any] = []
    for name, value in arguments.items():
        for at, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(one, tf.Tensor) or one.dtype.name == "string":
                continue
            if keeps and one.dtype.is_integer and one.shape.num_elements() <= 16:
                continue
            places.append((name, at))
            tensors.append(one)

    def body(*given: Any) -> Any:
        bound = {name: list(v) if isinstance(v, list) else v for name, v in arguments.items()}
        for (name, at), one in zip(places, given):
            if at is None:
                bound[name] = one
            else:
                bound[name][at] = one
        sources = floats(bound)
        if not differentiated or not sources:
            return [one for one in calls.flat(function(**bound)) if tf.is_tensor(one)], []
        with tf.GradientTape() as tape:
            for source in sources:
                tape.watch(source)
            result = function(**bound)
        return [one for one in calls.flat(result) if tf.is_tensor(one)], _gradient_tensors(
            tape, result, sources
        )

    def run() -> Outcome:
        with flags.override(**WAYS[way]):
            made, slopes = tf.function(body, autograph=False, reduce_retracing=False)(*tensors)
        return Outcome(calls.host_values(made), calls.host_values(slopes))

    return guarded(run)


def has_gradient(call: dict[str, Any]) -> bool:
    """Whether a call of this op may be differentiated."""
    if "op" not in call:
        return False
    cls = registry.find(call["op"])
    return cls.has_gradient and cls.differentiable and not cls.stateful and not cls.traits.has_refs


def floats(arguments: dict[str, Any]) -> list[Any]:
    """The tensors of floating types among the arguments."""
    found = []
    for value in arguments.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, tf.Tensor) and one.dtype.name in FLOATING:
                found.append(one)
    return found


def _gradient_tensors(tape: Any, result: Any, sources: list[Any]) -> list[Any]:
    targets = [
        one for one in calls.flat(result) if tf.is_tensor(one) and one.dtype.name in FLOATING
    ]
    if not targets:
        return []
    return [
        tf.zeros([]) if g is None else tf.convert_to_tensor(g)
        for g in tape.gradient(targets, sources)
    ]


def gradients(tape: Any, result: Any, sources: list[Any]) -> list[Any]:
    """Host values of the gradients of the floats in `result`; none if this combination has no gradient."""
    try:
        return calls.host_values(_gradient_tensors(tape, result, sources))
    except (LookupError, NotImplementedError, OpError):
        return []


def is_small(outcome: Outcome) -> bool:
    """Whether the values of a call are few."""
    return sum(np.size(v) for v in outcome.values if v is not None) <= MOST_ELEMENTS


def lowers(call: dict[str, Any]) -> bool:
    """Whether a call of this op is computed by compiled code in a function."""
    if "op" not in call:
        return False
    cls = registry.find(call["op"])
    return cls.has_lowering and not cls.traits.has_refs
