"""Compiled calls refuse what the op's kernel refuses, though tracing knew neither shapes nor values."""

import pytest

import penstock as tf

ones = tf.ones

raw = tf.raw_ops
vector = tf.constant([1.0])

REFUSED = {
    "bounds of rank 2": (lambda x, b: tf.strided_slice(x, b, [1]), ones([3]), tf.constant([[0]])),
    "a block of another rank": (
        lambda x, s: raw.Slice(input=x, begin=[0], size=s),
        ones([3]),
        tf.constant([1, 1]),
    ),
    "ends that are vectors": (lambda a: raw.LinSpace(start=a, stop=2.0, num=3), vector),
    "batches that would broadcast": (
        lambda x, y: raw.BatchMatMul(x=x, y=y),
        ones([2, 1, 3]),
        ones([1, 3, 2]),
    ),
    "sizes in a column": (
        lambda x, s: raw.SplitV(value=x, size_splits=s, axis=0, num_split=2),
        ones([3]),
        tf.constant([[1], [2]]),
    ),
    "an axis in a vector": (
        lambda x, a: raw.Split(axis=a, value=x, num_split=1),
        ones([3]),
        tf.constant([0]),
    ),
    "rows named by a matrix": (
        lambda x, i: raw.InplaceAdd(x=x, i=i, v=x),
        ones([1]),
        tf.constant([[0]]),
    ),
    "paddings in a vector": (
        lambda x, p: raw.MatrixDiagV3(diagonal=x, k=0, num_rows=-1, num_cols=-1, padding_value=p),
        ones([2]),
        vector,
    ),
    "saved statistics in a matrix": (
        lambda x, m: raw.FusedBatchNormGradV3(
            y_backprop=x,
            x=x,
            scale=vector,
            reserve_space_1=m,
            reserve_space_2=vector,
            reserve_space_3=vector,
        )[0],
        ones([2, 1, 1, 1]),
        ones([1, 1]),
    ),
    "more indices than values": (
        lambda i, v: raw.SparseTensorDenseMatMul(
            a_indices=i, a_values=v, a_shape=[2, 2], b=tf.eye(2)
        ),
        tf.constant([[0, 0], [1, 1]], tf.int64),
        vector,
    ),
    "sparse indices of rank 3": (
        lambda i, v: raw.SparseToDense(
            sparse_indices=i, output_shape=[2], sparse_values=v, default_value=0.0
        ),
        tf.zeros([1, 1, 1], tf.int32),
        vector,
    ),
    "parts of one window more than there are": (
        lambda x: raw.ExtractImagePatches(
            images=x, ksizes=[1, 3, 1, 1], strides=[1] * 4, rates=[1] * 4, padding="VALID"
        ),
        ones([1, 1, 1, 1]),
    ),
    "a bias of another length": (lambda x, b: tf.nn.bias_add(x, b), ones([2, 3]), ones([4])),
    "one label for two rows": (
        lambda x, y: tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=x, labels=y),
        ones([2, 3]),
        tf.constant([1]),
    ),
    "a permutation out of range": (tf.transpose, ones([2, 3]), tf.constant([0, 7])),
    "a shape of rank 2": (lambda s: tf.zeros(s), tf.constant([[1, 2]])),
    "a negative extent": (lambda s: tf.zeros(s), tf.constant([-1, 2])),
    "an axis named twice": (tf.reverse, ones([1, 2, 2]), tf.constant([1, 1])),
    "an axis summed twice": (tf.reduce_sum, ones([1, 2, 2]), tf.constant([1, -2])),
    "a seed of three numbers": (
        lambda s: tf.random.stateless_uniform([3], s),
        tf.constant([1, 2, 3]),
    ),
    "an empty range": (
        lambda h: tf.random.stateless_uniform([3], [1, 2], 0, h, tf.int32),
        tf.constant(0),
    ),
    "images without extent": (
        lambda x, s: tf.raw_ops.ResizeBilinear(images=x, size=s),
        ones([1, 2, 2, 1]),
        tf.constant([-1, 2]),
    ),
    "a filter without elements": (
        lambda x, f: tf.raw_ops.Conv2D(input=x, filter=f, strides=[1, 1, 1, 1], padding="SAME"),
        ones([1, 3, 3, 2]),
        ones([0, 2, 2, 3]),
    ),
    "a sparse value outside": (
        lambda i, v: tf.raw_ops.SparseToDense(
            sparse_indices=i, output_shape=[2, 2], sparse_values=v, default_value=0.0
        ),
        tf.constant([[0, 5]]),
        ones([1]),
    ),
    "gradients of another shape": (
        lambda dy, y: tf.raw_ops.EluGrad(gradients=dy, outputs=y),
        ones([2]),
        ones([1]),
    ),
    "maxima of another shape": (
        lambda x, y: tf.raw_ops.MaxPoolGrad(
            orig_input=x,
            orig_output=y,
            grad=y,
            ksize=[1, 2, 2, 1],
            strides=[1, 1, 1, 1],
            padding="SAME",
        ),
        ones([1, 3, 3, 1]),
        ones([1, 2, 3, 1]),
    ),
    "terms of different shapes": (lambda x, y: tf.add_n([x, y]), ones([2, 2]), ones([2])),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_unknown_shapes(what):
    function, *arguments = REFUSED[what]
    with pytest.raises(tf.errors.InvalidArgumentError) as eager:
        function(*arguments)
    specs = [tf.TensorSpec(None, t.dtype) for t in arguments]
    with pytest.raises(tf.errors.InvalidArgumentError) as compiled:
        tf.function(function, input_signature=specs)(*arguments)
    assert eager.value.message.split(" [Op:")[0] in compiled.value.message
    assert "test_refusals.py" in compiled.value.message


def test_refused_inside_a_loop():
    @tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])
    def repeated(x, b):
        for _ in tf.range(3):
            x = tf.nn.bias_add(x, b)
        return x

    assert repeated(ones([2, 3]), ones([3])).shape == (2, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many biases"):
        repeated(ones([2, 3]), ones([4]))


def changed_by(step, *arguments):
    """What a variable of zeros holds after a refused step: eagerly, and compiled with unknown shapes."""
    found = []
    specs = [tf.TensorSpec(None, t.dtype) for t in arguments]
    for wrap in (lambda f: f, tf.function(input_signature=[*specs])):
        held = tf.Variable([0.0, 0.0])
        with pytest.raises(tf.errors.InvalidArgumentError):
            wrap(lambda *given, held=held: step(held, *given))(*arguments)
        found.append(held.numpy().tolist())
    return found


def test_a_refused_step_does_not_change_what_is_assigned_after_the_refusal():
    def by_value(held, x, y):
        held.assign_sub(tf.nn.sparse_softmax_cross_entropy_with_logits(y, tf.reshape(x, [2, 3])))

    def by_order(held, x, y):
        quotient = x // y
        held.assign_add([1.0, 1.0])
        return quotient

    def in_a_loop(held, x, y):
        for _ in range(2):
            x = x // y
            held.assign_add(tf.cast(x, tf.float32))

    def loop(held, x, y):
        def body(i, x):
            x = x // y
            held.assign_add(tf.cast(x, tf.float32))
            return i + 1, x

        return tf.while_loop(lambda i, x: i < 3, body, [0, x])

    ones_and_zero = tf.constant([1, 2]), tf.constant([1, 0])
    assert changed_by(by_value, ones([6]), tf.constant([1, 7])) == [[0.0, 0.0]] * 2
    for step in (by_order, in_a_loop, loop):
        assert changed_by(step, *ones_and_zero) == [[0.0, 0.0]] * 2


def test_a_refused_step_keeps_what_was_assigned_before_the_refusal():
    def step(held, x, y):
        held.assign_add([1.0, 1.0])
        return x // y

    assert changed_by(step, tf.constant([1, 2]), tf.constant([1, 0])) == [[1.0, 1.0]] * 2


def test_a_bad_index_vector_is_named_with_what_it_was():
    @tf.function
    def chosen(params, indices):
        return tf.gather_nd(params, indices) * 2

    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[0,1\] = \[7\] does not index into"
    ):
        chosen(tf.range(3), tf.constant([[[0], [7]]]))


def test_a_bad_index_into_a_variable_is_named_and_nothing_is_written():
    variable = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def update(indices):
        variable.scatter_nd_update(indices, [5.0, 6.0])

    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[1\] = \[8\] does not index into"
    ):
        update(tf.constant([[0], [8]]))
    assert variable.numpy().tolist() == [1.0, 2.0, 3.0]
