"""Every function where numbers end, eagerly and compiled, beside what TensorFlow gave.

TensorFlow takes denormals for zeros: numbers whose arguments are, or whose results could be, denormal are not compared.
Compiled functions run on whole vectors and on parts of them, so that each number is met in the body and in the tail of
a loop. `apart.json` tells in how many elements functions may differ, and why.
"""

import itertools
import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.flags import override
from tests.conformance.edges.calls import edges
from tests.conformance.edges.record import PARTS, TARGET, differs, outputs
from tests.conformance.edges.values import denormal
from tests.conformance.record import array_at, load

RECORDED, STORE = load(TARGET)
EXPECTED = {entry["name"]: entry for entry in RECORDED}
GROUPS = json.loads(pathlib.Path(__file__).with_name("apart.json").read_text())
APART = {name: count for group in GROUPS for name, count in group["functions"].items()}
TOGETHER = 12


def batches():
    """Functions of equal inputs, some at a time."""
    known = [edge for edge in edges() if edge.name in EXPECTED]
    alike = itertools.groupby(known, lambda e: [(a.dtype.name, a.tobytes()) for a in e.inputs])
    for _, group in alike:
        group = list(group)
        for start in range(0, len(group), TOGETHER):
            yield group[start : start + TOGETHER]


BATCHES = list(batches())
each = pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0].name)


@each
def test_eager(batch):
    with np.errstate(all="ignore"):
        found = {edge.name: outputs(tf, edge, edge.inputs) for edge in batch}
    assert too_many(batch, found) == {}


@each
def test_compiled(batch):
    inputs = [tf.constant(array) for array in batch[0].inputs]
    specs = [tf.TensorSpec([None] * x.shape.rank, x.dtype) for x in inputs]

    def run(*tensors):
        return {edge.name: tf.nest.flatten(edge.run(tf, *tensors)) for edge in batch}

    function = tf.function(run, input_signature=specs, autograph=False)
    with override(
        check=False
    ):  # the interpreter keeps denormal bfloat16 numbers, and C99's rules for complex ones
        found = arrays(function(*inputs))
    assert too_many(batch, found) == {}
    for start, count in PARTS if batch[0].by_element else ():
        with override(check=False):
            again = arrays(function(*[x[start : start + count] for x in inputs]))
        for edge in batch:
            for whole, part in zip(found[edge.name], again[edge.name], strict=True):
                moved = differs(part, whole[start : start + count])
                assert not moved.any(), (edge.name, start, count, np.flatnonzero(moved))


def arrays(results):
    return {name: [np.asarray(t.numpy()) for t in made] for name, made in results.items()}


def too_many(batch, found):
    """For functions that differ from TensorFlow in more elements than is known: how many, and some of them."""
    wrong = {}
    for edge in batch:
        places = [where(edge, at, made) for at, made in enumerate(found[edge.name])]
        count = sum(int(p.sum()) for p in places)
        if count > APART.get(edge.name, 0):
            wrong[edge.name] = count, [np.argwhere(p)[:8].tolist() for p in places]
    return wrong


def where(edge, at, made):
    """Where an output differs."""
    entry = EXPECTED[edge.name]
    wanted = array_at(STORE, entry["outputs"][at])
    assert made.dtype == wanted.dtype and made.shape == wanted.shape, edge.name
    found = differs(made, wanted)
    if edge.by_element:
        found[entry.get("loose", [])] = False
        for array in edge.inputs:
            found &= ~denormal(array)
    return found
