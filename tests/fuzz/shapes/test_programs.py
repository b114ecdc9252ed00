"""Random programs over shapes give what eager ones give, and few programs serve them: a fixed share of `make fuzz WHICH=shapes PROGRAMS=1`.

FUZZ_PROGRAMS draws that many, from FUZZ_SEED on.
"""

import os

import numpy as np
import pytest

import penstock as tf
from penstock._src.ir.extents.guards import Bounds
from tests.fuzz.shapes.programs.drawing import SHAPES, extents_of
from tests.fuzz.shapes.programs.guards import conditions_of, ends_of
from tests.fuzz.shapes.programs.worker import run
from tests.fuzz.shapes.sizes import LARGE

FIRST = int(os.environ.get("FUZZ_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("FUZZ_PROGRAMS", "6")))


@pytest.mark.parametrize("seed", SEEDS)
def test_program(seed):
    finds = run(seed, seconds=0)["finds"]
    assert not finds, "\n".join(f"{find['kind']}: {find['what']}\n{find['text']}" for find in finds)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_shapes_have_empty_equal_and_large_extents(count):
    found = extents_of(np.random.default_rng(count), count, has_large=True, has_empty=True)
    assert len(found) == SHAPES and {len(extents) for extents in found} == {count}
    assert {0, 1, LARGE} <= {n for extents in found for n in extents}


def test_both_sides_of_conditions_are_looked_for():
    assert ends_of(Bounds(3, None, {8})) == [3, 2, 8, 7, 9]
    function = tf.function(
        lambda x: x + tf.cast(tf.shape(x)[0] > 9, tf.float32),
        input_signature=[tf.TensorSpec([None])],
    )
    function(tf.zeros([12]))
    function(tf.zeros([3]))
    assert len(conditions_of(function)) == 2
