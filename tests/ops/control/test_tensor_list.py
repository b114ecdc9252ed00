"""Lists of tensors: what their operations give, and what they refuse."""

import numpy as np
import pytest

import penstock as tf
from penstock import raw_ops as raw

MAP = raw.EmptyTensorMap


def list_of(shape, items, dtype=tf.float32):
    made = raw.EmptyTensorList(
        element_shape=np.int32(shape), max_num_elements=-1, element_dtype=dtype
    )
    for item in items:
        made = raw.TensorListPushBack(input_handle=made, tensor=tf.constant(item, dtype))
    return made


def reserved(shape, count=2):
    return raw.TensorListReserve(
        element_shape=np.int32(shape), num_elements=count, element_dtype=tf.float32
    )


def stacked(held, shape=-1):
    return raw.TensorListStack(
        input_handle=held, element_shape=np.int32(shape), element_dtype=tf.float32
    )


def joined(held, shape=-1, leading=()):
    return raw.TensorListConcatV2(
        input_handle=held,
        element_shape=np.int32(shape),
        leading_dims=np.int64(leading),
        element_dtype=tf.float32,
    )


def split(tensor, shape, lengths):
    return raw.TensorListSplit(
        tensor=np.float32(tensor), element_shape=np.int32(shape), lengths=np.int64(lengths)
    )


def pushed(tensor, handles=((1.0,), (2.0,))):
    return raw.TensorListPushBackBatch(
        input_handles=tf.stack([list_of([], items) for items in handles]), tensor=tensor
    )


def lists_joined(one, other):
    return raw.TensorListConcatLists(input_a=one, input_b=other, element_dtype=tf.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: raw.TensorListLength(input_handle=MAP()), "not a list"),
        (lambda: raw.TensorListElementShape(input_handle=MAP(), shape_type=tf.int32), "not a list"),
        (lambda: raw.TensorListResize(input_handle=MAP(), size=2), "not a list"),
        (lambda: stacked(MAP()), "not a list"),
        (lambda: split([1, 2, 3], [-1], [-1, 4]), "Invalid value in lengths: -1"),
        (lambda: split([1, 2, 3], [-1], [1, 4]), "sum of lengths is 5"),
        (lambda: split(1, [-1], [1]), "at least a vector"),
        (lambda: split(np.ones((3, 2)), [-1, 4], [1, 2]), "not compatible with element_shape"),
        (lambda: split(np.ones((3, 2)), [-1, 2], [[1, 2]]), "lengths to be a vector"),
        (lambda: joined(list_of(-1, [[1.0], 2.0])), "scalar shape at index 1"),
        (lambda: joined(list_of(-1, [])), "All except the first dimension"),
        (lambda: joined(list_of(-1, [np.ones((1, 2)), np.ones((1, 3))])), "unequal shapes"),
        (lambda: joined(list_of([-1, 2], [np.ones((1, 2))]), [-1, 4]), "Incompatible shapes"),
        (lambda: joined(reserved([-1, 2]), [-1, 2]), "uninitialized tensor"),
        (lambda: pushed(np.float32([5, 6, 7])), r"begin with \[2\]"),
        (lambda: pushed(np.float32(5)), r"begin with \[2\]"),
        (lambda: pushed(np.int32([5, 6])), "Invalid data types"),
        (lambda: pushed(np.ones((2, 3), np.float32)), "incompatible shape"),
        (lambda: lists_joined(list_of([3], []), list_of([2], [])), "not identical"),
        (lambda: lists_joined(list_of([-1], []), list_of([2], [])), "not identical"),
        (lambda: lists_joined(list_of([2], []), list_of([2], [], tf.int32)), "Invalid data types"),
        (
            lambda: raw.TensorListScatter(tensor=np.ones((2, 2), np.float32), indices=[2], element_shape=np.int32([2])),
            "Invalid number of rows",
        ),
        (
            lambda: raw.TensorListScatter(tensor=np.ones((1, 2), np.float32), indices=[-2], element_shape=np.int32([2])),
            "must all be non-negative",
        ),
    ],
)  # fmt: skip
def test_refusals(call, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call()


def test_elements_are_joined_along_their_first_axis():
    tensor, lengths = joined(list_of([-1, 2], [np.ones((1, 2)), np.zeros((3, 2))]), [-1, 2])
    np.testing.assert_array_equal(tensor, [[1, 1], [0, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(lengths, [1, 3])
    tensor, lengths = joined(reserved([-1, 2]), [-1, 2], [1, 2])
    np.testing.assert_array_equal(tensor, np.zeros((3, 2)))
    np.testing.assert_array_equal(lengths, [1, 2])
    assert joined(list_of([-1, 2], [])).tensor.shape == (0, 2)


def test_a_tensor_is_split_and_joined_again():
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    found = joined(split(x, [-1, 2], [1, 0, 3]), [-1, 2])
    np.testing.assert_array_equal(found.tensor, x)
    np.testing.assert_array_equal(found.lengths, [1, 0, 3])


def test_lists_of_a_batch_grow_together():
    first, second = tf.unstack(pushed(np.float32([5, 6]), ((1.0,), (2.0, 3.0))))
    np.testing.assert_array_equal(stacked(first), [1, 5])
    np.testing.assert_array_equal(stacked(second), [2, 3, 6])


def test_lists_one_after_the_other():
    found = lists_joined(list_of([2], [[1, 2]]), list_of([2], [[3, 4], [5, 6]]))
    np.testing.assert_array_equal(stacked(found), [[1, 2], [3, 4], [5, 6]])
    pairs = [tf.stack([list_of([], [v]), list_of([], [v + 1])]) for v in (1.0, 5.0)]
    both = lists_joined(*pairs)
    np.testing.assert_array_equal(stacked(both[1]), [2, 6])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Incompatible input"):
        lists_joined(pairs[0], list_of([], []))


def test_rows_that_are_scattered_leave_zeros_between():
    rows = np.float32([[1, 2], [3, 4]])
    held = raw.TensorListScatterIntoExistingList(
        input_handle=list_of([2], [[9.0, 9]]), tensor=rows, indices=[3, 1]
    )
    np.testing.assert_array_equal(stacked(held), [[9, 9], [3, 4], [0, 0], [1, 2]])


def test_gradients_of_splitting_and_joining():
    x = tf.constant(np.arange(6, dtype=np.float32).reshape(3, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        parts = raw.TensorListSplit(
            tensor=x * x, element_shape=np.int32([-1, 2]), lengths=np.int64([1, 2])
        )
        y = raw.TensorListConcatV2(
            input_handle=parts,
            element_shape=np.int32([-1, 2]),
            leading_dims=np.int64([]),
            element_dtype=tf.float32,
        ).tensor * np.float32([[1, 1], [2, 2], [3, 3]])
    np.testing.assert_array_equal(tape.gradient(y, x), 2 * x * np.float32([[1], [2], [3]]))


def test_what_a_list_holds_is_part_of_the_shape_of_what_is_read_from_it():
    with tf.Graph().as_default():
        held = raw.TensorListReserve(
            element_shape=[-1, 3], num_elements=3, element_dtype=tf.float32
        )
        held = raw.TensorListSetItem(input_handle=held, index=0, item=tf.zeros([2, 3]))
        unknown = tf.constant(-1)
        item = raw.TensorListGetItem(
            input_handle=held, index=0, element_shape=unknown, element_dtype=tf.float32
        )
        whole = raw.TensorListStack(
            input_handle=held, element_shape=[2, -1], element_dtype=tf.float32, num_elements=3
        )
        assert item.shape.as_list() == [None, 3]
        assert whole.shape.as_list() == [3, 2, 3]


def test_captured_lists_keep_what_they_hold():
    held = raw.TensorListReserve(element_shape=[-1, 3], num_elements=0, element_dtype=tf.float32)

    @tf.function
    def read():
        extents = raw.TensorListElementShape(input_handle=held, shape_type=tf.int32)
        item = raw.TensorListGetItem(
            input_handle=held, index=0, element_shape=tf.constant(-1), element_dtype=tf.float32
        )
        return extents, item

    extents, item = read.get_concrete_function().structured_outputs
    assert (extents.shape.as_list(), item.shape.as_list()) == ([2], [None, 3])


@pytest.mark.parametrize("shape, wanted", [([], (0,)), ([4], (0, 4))])
def test_loops_without_iterations_over_captured_lists(shape, wanted):
    held = raw.TensorListReserve(
        element_shape=tf.constant(shape, tf.int32), num_elements=2, element_dtype=tf.float32
    )

    @tf.function
    def collect():
        def body(i, items):
            item = raw.TensorListGetItem(
                input_handle=held, index=i, element_shape=tf.constant(-1), element_dtype=tf.float32
            )
            return i + 1, items.write(i, item)

        array = tf.TensorArray(tf.float32, 0)
        return tf.while_loop(lambda i, _: i < 0, body, (0, array))[1].stack()

    assert collect().shape == wanted
