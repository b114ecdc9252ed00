"""Lists in converted code, of Python and of tensors."""

import pytest

import penstock as tf
from penstock._src.bridge.python.autograph.lang import special_functions
from penstock._src.bridge.python.autograph.operators import data_structures


def stacked(made, dtype=tf.int32):
    return (
        data_structures.list_stack(made, data_structures.ListStackOpts(dtype, lambda x: x))
        .numpy()
        .tolist()
    )


def test_lists_hold_what_they_are_made_of():
    assert data_structures.new_list((1, 2)) == [1, 2]
    assert data_structures.new_list().dtype == tf.variant
    assert stacked(data_structures.tf_tensor_list_new([3, 4])) == [3, 4]
    assert stacked(data_structures.tf_tensor_list_new(tf.constant([[1], [2]]))) == [[1], [2]]
    assert stacked(data_structures.tf_tensor_array_new([3, 4])) == [3, 4]


def test_elements_of_a_tensor_array_agree():
    for elements, message in (([1, 1.0], "same dtype"), ([1, [2]], "same shape"), ([], "dtype is")):
        with pytest.raises(ValueError, match=message):
            data_structures.tf_tensor_array_new(elements)
    with pytest.raises(ValueError, match="incompatible dtype"):
        data_structures.tf_tensor_list_new([1], element_dtype=tf.float32)


def test_an_empty_list_of_tensors_takes_the_type_of_the_first_element():
    made = data_structures.new_list()
    for value in (7, 8):
        made = data_structures.list_append(made, value)
    assert stacked(made) == [7, 8]
    options = data_structures.ListPopOpts(tf.int32, ())
    made, last = data_structures.list_pop(made, None, options)
    assert last.numpy() == 8 and stacked(made) == [7]
    with pytest.raises(NotImplementedError):
        data_structures.list_pop(made, 0, options)
    with pytest.raises(ValueError, match="without knowing its element type"):
        data_structures.list_pop(made, None, data_structures.ListPopOpts(None, ()))


def test_special_functions_take_both():
    assert special_functions.match_staging_level(1, 2) == 1
    assert tf.is_tensor(special_functions.match_staging_level(1, tf.constant(2)))
    made = special_functions.tensor_list([], tf.int32, [], use_tensor_array=True)
    assert isinstance(made, tf.TensorArray)
    assert special_functions.stack([1, 2], strict=False) == [1, 2]
    with pytest.raises(ValueError, match="stackable"):
        special_functions.stack([1, 2])
