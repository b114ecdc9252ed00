"""Names of codes: equal for equal signatures only, and none for what has no lasting form."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.compiler.codegen import names
from penstock._src.compiler.codegen.processors import Blocking, processor_of
from penstock._src.core import dtypes
from penstock._src.native import Target, host

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3),
    st.complex_numbers(allow_nan=False), st.sampled_from([dtypes.float32, dtypes.int64]),
    st.builds(Blocking, depth=st.integers(1, 3)), st.builds(np.float32, st.integers(0, 3)),
)  # fmt: skip
SIGNATURES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=8
)


def name_of(signature):
    return names.name_of(names.identity_of(signature, host()))


def exactly(value):
    """What tells values apart, of whatever types."""
    if isinstance(value, tuple):
        return tuple(map(exactly, value))
    return type(value), repr(value)


@given(SIGNATURES, SIGNATURES)
def test_equal_names_are_of_equal_signatures(a, b):
    same = exactly(a) == exactly(b)
    assert (name_of(a) == name_of(b)) == same


@pytest.mark.parametrize(
    "pair", [("ab", ("a", "b")), (("a", ("b",)), ("a", "b")), ("1", 1), (0.0, -0.0)]
)
def test_values_of_other_structure_differ(pair):
    first, second = (name_of(x) for x in pair)
    assert first != second


def test_narrow_floats_of_equal_bits_differ():
    types = [dtypes.float8_e4m3fn, dtypes.float8_e5m2, dtypes.bfloat16, dtypes.float16]
    values = [np.frombuffer(bytes(8), each.np)[0] for each in types]
    assert len({name_of(value) for value in values}) == 4


def test_targets_with_other_caches_have_other_names_where_schedules_differ():
    small, large = (
        Target("x86_64-unknown-linux-gnu", "x86-64-v4", "", 64, 32, l2=n << 10) for n in (256, 4096)
    )
    assert processor_of(small) != processor_of(large)
    assert names.identity_of("product", small) != names.identity_of("product", large)
    still_large = dataclasses.replace(large, l2=large.l2 + 1)
    assert names.identity_of("product", large) == names.identity_of("product", still_large)


def test_objects_without_a_lasting_form_have_no_name():
    assert name_of(("nest", object())) is None
    assert name_of((1, np.zeros(3))) is None


PROGRAM = """
import numpy as np
import penstock as tf
from penstock._src.native import NamedCode

written = []
write = NamedCode.written.func
NamedCode.written.func = lambda self: written.append(1) or write(self)
w = tf.Variable(np.ones((8, 16), "float32"))

@tf.function(input_signature=[tf.TensorSpec([None, 8])])
def step(x):
    with tf.GradientTape() as tape:
        h = tf.nn.softmax(tf.sort(x @ w, 1))
        loss = tf.reduce_sum(tf.math.cumsum(h) * h)
    w.assign_sub(0.1 * tape.gradient(loss, w))
    return loss

losses = [float(step(np.arange(8 * n, dtype="float32").reshape(n, 8))) for n in (3, 5)]
print(len(written), losses)
"""


def test_a_second_process_writes_no_text(tmp_path):
    def run():
        process = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
            cwd=Path(__file__).parents[3],
            env=os.environ | {"PENSTOCK_CACHE_DIR": str(tmp_path), "PENSTOCK_VERIFY": "0"},
        )  # fmt: skip
        written, losses = process.stdout.split(" ", 1)
        return int(written), losses

    (first, losses), (second, same) = run(), run()
    assert first > 4 and second == 0 and losses == same
