"""Loops on the host: their conditions need no programs, and lists that they carry are changed there."""

import numpy as np

import penstock as tf
from penstock._src.compiler.executable import Executable
from penstock._src.graph.passes.host_conditions import REASON
from penstock._src.graph.passes.host_lists import GIVEN
from tests.compiler.graphs import executable_of

ROWS = tf.TensorSpec([None, 6])


def rows(count):
    return np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32)


def executables(function):
    """Those of a function, and of the conditions and bodies of its loops."""
    (trace,) = function._list_all_concrete_functions()
    pending, found = [trace.graph_function.executable], []
    while pending:
        made = pending.pop()
        found.append(made)
        loops = [op.raw_op for op in made.ops if op.raw_op.flow.control == "while"]
        pending += [part.executable for loop in loops for part in (loop.cond, loop.body)]
    return found


def appended(x):
    """Adds rows in a loop, each computed from those before it."""
    out = x[:1]
    for i in tf.range(1, tf.shape(x)[0]):
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[(out, tf.TensorShape([None, 6]))]
        )
        out = tf.concat([out, tf.tanh(tf.reduce_mean(out, 0, keepdims=True)) + x[i : i + 1]], 0)
    return out


def test_a_loop_on_the_host_needs_few_programs():
    compiled = tf.function(appended, input_signature=[ROWS])
    for count in (9, 4, 17, 30, 5):
        np.testing.assert_allclose(compiled(rows(count)), appended(rows(count)), 1e-4, 1e-5)
    outer, body, condition = executables(compiled)
    assert not condition.programs() and REASON in condition.host_ops.values()
    programs = [one for made in (outer, body) for block in made.blocks() for one in block.programs]
    assert len(programs) <= 4


def test_lists_of_a_loop_on_the_host_are_changed_there():
    @tf.function(input_signature=[ROWS])
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(appended(x) ** 2)
        return tape.gradient(loss, x)

    for count in (9, 4, 17, 5):
        x = tf.constant(rows(count))
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(appended(x) ** 2)
        np.testing.assert_allclose(slope(x), tape.gradient(loss, x), 1e-3, 1e-4)
    bodies = [made for made in executables(slope) if "body" in made.name]
    forward = next(made for made in bodies if "grad" not in made.name)
    assert len(bodies) == 2
    assert {why for made in bodies for why in made.host_ops.values()} >= {GIVEN}
    assert len(forward.programs()) <= 3 * 17  # one for each shape, of few programs for many
    blocks = [step.block for step in forward.steps() if hasattr(step, "block")]
    assert sum(len(block.programs) for block in (forward.block, *blocks)) <= 2


def test_a_list_that_a_program_reads_as_well_is_left_to_it():
    def build(held, i):
        shape = np.array([6], np.int32)
        item = tf.raw_ops.TensorListGetItem(
            input_handle=held, index=i, element_shape=shape, element_dtype=tf.float32
        )
        stacked = tf.raw_ops.TensorListStack(
            input_handle=held, element_shape=shape, element_dtype=tf.float32
        )
        return [item, stacked]

    run: Executable = executable_of(build, (tf.variant, []), (tf.int32, []))
    held = tf.raw_ops.TensorListFromTensor(tensor=rows(3), element_shape=[6])
    item, stacked = run([held._value if hasattr(held, "_value") else held, np.array(1, np.int32)])
    np.testing.assert_array_equal(item, rows(3)[1])
    np.testing.assert_array_equal(stacked, rows(3))
    assert not run.host_ops


def test_a_loop_over_ragged_rows_reads_its_list_on_the_host():
    lengths = np.array([3, 0, 5, 1])
    ragged = tf.RaggedTensor.from_row_lengths(np.arange(9.0, dtype=np.float32), lengths)

    @tf.function
    def sums(x):
        return tf.map_fn(tf.reduce_sum, x, fn_output_signature=tf.float32)

    np.testing.assert_array_equal(sums(ragged), [3, 0, 25, 8])
    (body,) = [made for made in executables(sums) if "body" in made.name]
    # A program with the list among its arguments would look at every row in each step.
    reads = [name for name, why in body.host_ops.items() if why == GIVEN]
    assert any("GetItem" in name for name in reads)
    assert not body.block.others
