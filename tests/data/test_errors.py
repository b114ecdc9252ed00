"""Errors of elements: where they arose, and what comes after them."""

import pytest

import penstock as tf

Dataset = tf.data.Dataset


def taken(dataset):
    """The elements, "error" in place of those that raise one."""
    found, iterator = [], iter(dataset)
    while True:
        try:
            found.append(int(next(iterator)))
        except StopIteration:
            return found
        except tf.errors.InvalidArgumentError:
            found.append("error")


def test_an_error_names_its_step():
    dataset = Dataset.range(1).map(lambda x: x // 0).repeat()
    place = "passed to MapDataset transformation with iterator: Iterator::Root::Repeat::Map: .*division by zero"
    with pytest.raises(tf.errors.InvalidArgumentError, match=place):
        next(iter(dataset))


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d.flat_map(Dataset.from_tensors),
        lambda d: d.interleave(Dataset.from_tensors, cycle_length=1),
        lambda d: d.concatenate(d.take(0)),
        lambda d: d.repeat(1).prefetch(2),
    ],
)
def test_elements_follow_an_error(make):
    dataset = Dataset.from_tensor_slices([1, 0, 2]).map(lambda x: 2 // x)
    assert taken(make(dataset)) == [2, "error", 1]


def test_a_generator_continues_after_a_wrong_element():
    def generate():
        yield from (1, "two", 3)

    signature = tf.TensorSpec([], tf.int64)
    assert taken(Dataset.from_generator(generate, output_signature=signature)) == [1, "error", 3]


def test_a_generator_takes_arguments_of_functions():
    def numbers(count):
        yield from range(count)

    dataset = Dataset.range(4).flat_map(
        lambda n: Dataset.from_generator(
            numbers, args=(n,), output_signature=tf.TensorSpec([], tf.int64)
        )
    )
    assert taken(dataset) == [0, 0, 1, 0, 1, 2]
