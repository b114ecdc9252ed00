"""Loops and branches that cannot be lowered are run by the host, their bodies as programs."""

import numpy as np

import penstock as tf
import penstock._src.function.concrete
from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, make_shape
from penstock._src.core.typesets import ANY
from penstock._src.ops.control.list_value import TensorList
from tests.compiler.graphs import body_of, executable_of

F, I, B, V = dtypes.float32, dtypes.int32, dtypes.bool_, dtypes.variant


class HostTriple(Op):
    """3 x, on the host only."""

    signature = "x: T -> y: T"
    T = ANY

    def shape(self, x):
        return x

    def eager(self, x):
        return 3 * x


def test_a_loop_around_a_host_op():
    types = (I, []), (F, [None])
    cond = body_of(lambda i, x: [raw.Less(x=i, y=4)], *types)
    body = body_of(lambda i, x: [raw.AddV2(x=i, y=1), raw.HostTriple(x=raw.Neg(x=x))], *types)
    run = executable_of(
        lambda x: [raw.Neg(x=raw.While(input=[0, raw.Exp(x=x)], cond=cond, body=body)[1])],
        (F, [None]),
    )
    x = np.array([0.5, 1.0], np.float32)
    np.testing.assert_allclose(run([x])[0], -81 * np.exp(x), rtol=1e-6)
    assert run.host_ops == {"While": "HostTriple has no lowering"}


def test_a_loop_whose_shapes_change():
    types = (I, []), (F, [None])
    cond = body_of(lambda i, x: [raw.Less(x=i, y=3)], *types)
    body = body_of(lambda i, x: [raw.AddV2(x=i, y=1), raw.ConcatV2(values=[x, x], axis=0)], *types)
    run = executable_of(lambda x: raw.While(input=[0, x], cond=cond, body=body)[1:], (F, [None]))
    assert run([np.ones(2, np.float32)])[0].shape == (16,)
    assert "a value changes" in run.host_ops["While"]


def test_a_branch_with_a_host_op():
    then = body_of(lambda x: [raw.HostTriple(x=x)], (F, [None]))
    other = body_of(lambda x: [raw.Neg(x=x)], (F, [None]))
    run = executable_of(
        lambda c, x: raw.If(cond=c, input=[x], Tout=[F], then_branch=then, else_branch=other),
        (B, []),
        (F, [None]),
    )
    x = np.array([0.5, 1.0], np.float32)
    np.testing.assert_allclose(run([np.array(True), x])[0], 3 * x)
    np.testing.assert_allclose(run([np.array(False), x])[0], -x)


def test_a_list_that_grows_in_a_loop_of_unknown_length():
    types = (F, [2]), (V, [])

    def step(x, kept):
        return [raw.Mul(x=x, y=2.0), raw.TensorListPushBack(input_handle=kept, tensor=x)]

    cond = body_of(lambda x, kept: [raw.Less(x=raw.Max(input=x, axis=[0]), y=20.0)], *types)
    empty = np.array([2], np.int32)

    def build(x):
        start = raw.EmptyTensorList(element_shape=empty, max_num_elements=-1, element_dtype=F)
        out = raw.While(input=[x, start], cond=cond, body=body_of(step, *types))
        return [raw.TensorListStack(input_handle=out[1], element_shape=empty, element_dtype=F)]

    run = executable_of(build, (F, [2]))
    made = run([np.array([1.0, 3.0], np.float32)])[0]
    np.testing.assert_array_equal(made, [[1, 3], [2, 6], [4, 12]])
    assert "number of steps is not known" in run.host_ops["While"]


def test_a_branch_writes_to_a_list_that_has_no_memory_yet():
    @tf.function
    def even(n):
        found, count = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[]), 0
        for i in tf.range(n):
            if i % 2 == 0:
                found = found.write(count, i)
                count += 1
        return found.stack()

    assert even(tf.constant(9)).numpy().tolist() == [0, 2, 4, 6, 8]
    assert even(tf.constant(0)).numpy().tolist() == []


def test_a_function_that_the_host_runs_assigns_once():
    count = tf.Variable(0.0)

    @tf.function
    def step(x):
        count.assign_add(1.0)  # lowers, and then comes what does not
        tf.strings.as_string(x)
        tf.debugging.assert_greater(x, 0)
        return tf.strings.to_number(tf.strings.as_string(x))

    @tf.function
    def outer(x):
        return step(x)

    @tf.function
    def either(x):
        return tf.cond(x > 0, lambda: step(x), lambda: -1.0)

    assert (float(outer(tf.constant(2))), float(count)) == (2, 1)
    assert (float(either(tf.constant(3))), float(count)) == (3, 2)


def test_the_gradient_of_a_branch_on_the_host_whose_twin_keeps_values_of_unknown_shape():
    def repeated(x, times, step):
        return tf.while_loop(lambda i, y: i < times, lambda i, y: (i + 1, step(y)), (0, x))[1]

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cond(
                x[0] > 0,
                lambda: repeated(x, 2, lambda y: repeated(y, 2, tf.tanh)),  # lists of lists
                lambda: tf.sin(tf.exp(x)),
            )
        return tape.gradient(y, x)

    compiled = tf.function(gradient, input_signature=[tf.TensorSpec([None])])
    for x in tf.constant([1.0, 2.0]), tf.constant([-1.0, 2.0, 3.0]):
        np.testing.assert_allclose(compiled(x), gradient(x), rtol=1e-5)


def test_lists_of_one_length_whose_elements_have_other_shapes():
    def item(kept, i):
        return raw.TensorListGetItem(
            input_handle=kept, index=i, element_shape=np.array(-1, np.int32), element_dtype=F
        )

    run = executable_of(lambda kept: [raw.Neg(x=item(kept, 0)), item(kept, 1)], (V, []))
    pair, single = np.ones(2, np.float32), np.ones(1, np.float32)
    three, five = make_shape([3]), make_shape([5])
    lists = [
        (TensorList(F, UNKNOWN, [pair, pair]), [2, 2]),
        (TensorList(F, UNKNOWN, [pair, single]), [2, 1]),
        (TensorList(F, three, [None, None]), [3, 3]),
        (TensorList(F, five, [None, None]), [5, 5]),
    ]
    for kept, sizes in lists:
        assert [len(rows) for rows in run([kept])] == sizes


def test_empty_lists_whose_elements_have_other_shapes():
    """The program of the first call knew their extents as numbers."""

    @tf.function(input_signature=[tf.TensorSpec([None])], autograph=False)
    def jacobian_of_nothing(v):
        x = tf.zeros([1 + tf.shape(v)[0], tf.shape(v)[0] * 0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x, 0)
        return tape.jacobian(y, x)

    for n in (1, 0, 2, 5, 7):
        assert jacobian_of_nothing(tf.zeros([n])).shape == [0, n + 1, 0]


def test_what_the_host_holds_passes_through_a_known_branch():
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), 0)

    @tf.function
    def f(text):
        chosen = tf.raw_ops.StatelessIf(
            cond=tf.constant(True),
            input=[text],
            Tout=[tf.string],
            then_branch=tf.function(tf.identity).get_concrete_function(text),
            else_branch=tf.function(tf.strings.upper).get_concrete_function(text),
        )[0]
        return table.lookup(chosen), chosen

    found, text = f(tf.constant("a"))
    assert found == 1 and text == b"a"


def test_packed_values_pass_through_a_known_branch():
    with tf.Graph().as_default():
        parts = [raw.CompositeTensorVariantFromComponents(components=[tf.constant(n)], metadata=b"")
                 for n in (1, 2)]  # fmt: skip
        chosen = tf.cond(tf.constant(True), lambda: parts[0], lambda: parts[1])
        (value,) = raw.CompositeTensorVariantToComponents(
            encoded=chosen, metadata=b"", Tcomponents=[tf.int32]
        )
        with tf.compat.v1.Session() as session:
            assert session.run(value) == 1
