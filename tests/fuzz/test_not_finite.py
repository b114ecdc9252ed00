"""Recorded calls with a NaN or an infinity among their numbers: eager and compiled, values and gradients have it in the same places."""

import copy
import gzip
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.calls import call as calls
from tests.fuzz.calls import judging, running

RECORDED = Path(__file__).parent / "calls" / "recorded.json.gz"
FLOATS = ("float64", "float32", "float16", "bfloat16")
MOST_INPUTS = 3  # of a call

# What differs, and why that is left. "XLA": TensorFlow 2.21's own compiled results differ from its eager ones in the same way.
BORDERS = "XLA: whether a weight meets the zeros around an image differs among kernels"
APART = {
    "Conv2D": BORDERS,
    "Conv2DBackpropInput": BORDERS,
    "Conv3D": BORDERS,
    "Conv3DBackpropInputV2": BORDERS,
    "DepthwiseConv2dNativeBackpropInput": BORDERS,
    "FusedBatchNormV3": "XLA: an infinite scale multiplies the gradient's terms before they are subtracted, or after",
    "MaxPool": "XLA: a NaN is no window's maximum, or several are, and the gradient goes to one, or none",
    "MaxPoolV2": "XLA: a NaN is no window's maximum, or several are, and the gradient goes to one, or none",
    "RFFT": "a product by zero parts of roots of unity",
    "RFFT2D": "a product by zero parts of roots of unity",
}


def tensors(data: Any) -> Iterator[dict[str, Any]]:
    """The tensors of floats in a call."""
    if isinstance(data, list):
        for one in data:
            yield from tensors(one)
    elif isinstance(data, dict) and "tensor" not in data:
        yield from tensors(list(data.values()))
    elif isinstance(data, dict) and data["tensor"] in FLOATS and math.prod(data["shape"]):
        yield data


def spoiled(call: dict[str, Any], at: int, value: float) -> dict[str, Any]:
    """The call with the value somewhere in one of its tensors."""
    made = copy.deepcopy(call)
    tensor = list(tensors(made))[at]
    count = math.prod(tensor["shape"])
    values = tensor["values"] or [0.0]
    tensor["values"] = [values[i % len(values)] for i in range(count)]
    tensor["values"][random.Random(at).randrange(count)] = value
    return made


def by_name() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for call in json.loads(gzip.decompress(RECORDED.read_bytes())):
        if any(tensors(call)) and judging.is_repeatable(call) and running.lowers(call):
            found.setdefault(calls.name_of(call), []).append(call)
    return found


CALLS = by_name()


def difference(call: dict[str, Any]) -> str:
    """How the compiled call differs from the eager one."""
    made = running.guarded(lambda: running.Outcome([running.arguments_of(call)]))
    if made.error is not None:
        return ""
    (arguments,) = made.values
    eager = running.eagerly(call, arguments)
    if not running.is_small(eager):
        return ""
    other = running.in_function(call, arguments, "compiled", 0, bool(eager.gradients))
    if (eager.error is None) != (other.error is None):
        return f"{eager.error!r} and {other.error!r}"
    differing = judging.unequal(eager.values, other.values)
    if not differing and eager.gradients and other.gradients:
        differing = judging.unequal(eager.gradients, other.gradients)
    return differing


@pytest.mark.parametrize("name", CALLS)
def test_eager_and_compiled_have_it_in_the_same_places(name: str) -> None:
    found = []
    for call in CALLS[name]:
        for at in range(min(MOST_INPUTS, len(list(tensors(call))))):
            changed = [spoiled(call, at, value) for value in (math.nan, math.inf)]
            differing = [text for text in map(difference, changed) if text]
            if differing and not difference(call):
                found += differing
    assert bool(found) == (name in APART), "\n".join(found)
