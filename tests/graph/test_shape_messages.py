"""What the building of graphs says of shapes that do not fit: TensorFlow's words, which its own tests look for."""

import pytest

import penstock as tf

raw = tf.raw_ops


def of(*shape):
    return tf.compat.v1.placeholder(tf.float32, shape)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: raw.MatMul(a=of(2, 3), b=of(2)), "Shape must be rank 2 but is rank 1 for"),
        (lambda: raw.TopKV2(input=of(), k=1), "Shape must be at least rank 1 but is rank 0 for"),
        (lambda: raw.DenseBincount(input=[1], size=[1, 2], weights=[1.0]), "Shape must be rank 0"),
        (lambda: raw.Add(x=of(2, 3), y=of(2, 4)), "Dimensions must be equal, but are 3 and 4 for"),
        (lambda: raw.AddN(inputs=[of(2, 3), of(3)]), "Shapes must be equal rank, but are 2 and 1"),
        (
            lambda: raw.AddN(inputs=[of(2, 3), of(2, 4)]),
            r"Dimension 1 in both shapes must be equal, but are 3 and 4. Shapes are \[2,3\] and \[2,4\]",
        ),
        (lambda: raw.Transpose(x=of(2, 3), perm=[0, 1, 2]), "Dimension must be 2 but is 3 for"),
        (
            lambda: raw.Bincount(arr=[1], size=-5, weights=[1.0]),
            r"size \(-5\) must be non-negative",
        ),
        (lambda: tf.argmax(of(2, 3), 2), r"Dimension \(2\) must be in the range \[-2, 2\)"),
        (lambda: tf.one_hot([[1]], 3, axis=-2), "axis must be >= -1"),
        (lambda: tf.math.betainc(of(3), of(2), 0.5), "Dimension 0 in both shapes must be equal"),
        (
            lambda: tf.sparse.segment_sum(of(4, 2), [0, 1], [0]),
            "Dimension 0 in both shapes must be equal, but are 2 and 1",
        ),
        (
            lambda: tf.sparse.segment_mean(of(4, 2), [0], [0], num_segments=[2]),
            "Shape must be rank 0 but is rank 1",
        ),
        (
            lambda: raw.Range(start=of(2), limit=3.0, delta=1.0),
            "Shape must be rank 0 but is rank 1",
        ),
        (lambda: raw.WriteFile(filename=["a"], contents="b"), "Shape must be rank 0 but is rank 1"),
        (
            lambda: raw.ArgMax(input=of(2, 3), dimension=[[1]]),
            r"Shape must be rank 0 but is rank 2 for '\{\{node ArgMax\}\}",
        ),
        (
            lambda: raw.MatrixSolveLs(matrix=of(3), rhs=of(3, 1), l2_regularizer=[0.0]),
            "at least rank 2",
        ),
        (
            lambda: raw.StatelessRandomNormal(shape=[2], seed=[1, 2, 3]),
            "Dimension must be 2 but is 3",
        ),
        (
            lambda: raw.SparseConcat(
                indices=[[[0, 0]]] * 2, values=[of(1), of(1, 1)], shapes=[[1, 1]] * 2, concat_dim=0
            ),
            "Shape must be rank 1 but is rank 2",
        ),
        (
            lambda: raw.SparseSegmentSumGrad(
                grad=of(2, 3), indices=[0, 1], segment_ids=[0], output_dim0=4
            ),
            "Dimensions must be equal, but are 2 and 1",
        ),
        (
            lambda: raw.StringFormat(inputs=[of(), of()], template="%s"),
            "num placeholders in template and num inputs must match: 1 vs. 2",
        ),
        (lambda: raw.Transpose(x=of(2, 3), perm=tf.identity([0])), "Dimension must be 2 but is 1"),
        (lambda: of(None, 2).set_shape([3]), "Shapes must be equal rank, but are 2 and 1"),
    ],
)
def test_shapes_that_do_not_fit(call, said):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=said):
        call()
    with pytest.raises(ValueError, match=said):
        tf.function(call)()


def test_unknown_ranks_and_extents_fit():
    with tf.Graph().as_default():
        for shape in (None, [None], [None, 2]):
            raw.SparseTensorDenseMatMul(
                a_indices=tf.compat.v1.placeholder(tf.int64, shape and [None, None]),
                a_values=tf.compat.v1.placeholder(tf.float32, shape and [None]),
                a_shape=tf.compat.v1.placeholder(tf.int64),
                b=tf.compat.v1.placeholder(tf.float32),
            )
        unknown = tf.compat.v1.placeholder(tf.int32)
        assert raw.StatelessRandomNormal(shape=[2], seed=unknown).shape == [2]


def test_slots_of_other_shapes_are_refused():
    var, slot = tf.Variable(tf.zeros([3, 2])), tf.Variable(tf.zeros([4]))

    @tf.function
    def update(gradient):
        raw.ResourceApplyAdagrad(var=var.handle, accum=slot.handle, lr=0.1, grad=gradient)

    with pytest.raises(ValueError, match="Shapes must be equal rank, but are 2 and 1"):
        update.get_concrete_function(tf.TensorSpec([3, 2]))


def test_shapes_themselves_have_the_other_words():
    with pytest.raises(ValueError, match=r"Shape \(2, 3\) must have rank 1"):
        tf.TensorShape([2, 3]).with_rank(1)
    with pytest.raises(ValueError, match=r"Shapes \(2,\) and \(3,\) are not compatible"):
        tf.TensorShape([2]).merge_with([3])


@pytest.mark.parametrize("value", [{}, [None, 1], [1, "a"]])
def test_what_is_no_tensor_is_an_error_of_its_type_in_graphs(value):
    with tf.Graph().as_default(), pytest.raises(TypeError, match="Failed to convert elements of"):
        tf.constant(value)
    with pytest.raises(ValueError, match="convert"):
        tf.constant(value)


def test_none_is_not_supported_in_graphs():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="None values not supported"):
        tf.constant(None)
