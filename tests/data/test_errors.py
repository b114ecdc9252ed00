"""Errors of elements: where they arose, and what comes after them."""

import numpy as np
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


def _past_the_end(_):
    return next(iter(tf.data.Dataset.range(0)))


@pytest.mark.parametrize(
    "transform",
    [
        lambda ds: ds.flat_map(lambda x: tf.data.Dataset.from_tensors(_past_the_end(x))),
        lambda ds: ds.filter(lambda x: _past_the_end(x) > x),
        lambda ds: ds.take_while(lambda x: _past_the_end(x) > x),
        lambda ds: ds.interleave(lambda x: tf.data.Dataset.from_tensors(_past_the_end(x))),
    ],
)
def test_a_function_that_runs_out_of_elements_does_not_end_the_dataset(transform):
    with pytest.raises(tf.errors.InternalError, match="OutOfRange"):
        list(transform(tf.data.Dataset.range(3)))


def test_scans_refuse_functions_that_run_out_of_elements():
    ds = tf.data.Dataset.range(3).scan(np.int64(0), lambda s, x: (s, _past_the_end(x)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="OutOfRangeError"):
        list(ds)


def test_errors_of_a_reduce_function_tell_its_name_and_code():
    def reduce_func(_, window):
        it = iter(window)
        return tf.data.Dataset.from_tensor_slices([next(it) for _ in range(9)])

    ds = tf.data.Dataset.range(5).group_by_window(lambda x: x % 2, reduce_func, 2)
    with pytest.raises(tf.errors.InternalError, match="(?s)OUT_OF_RANGE.*reduce_func"):
        list(ds)


def test_files_after_a_damaged_one_are_read(tmp_path):
    names = [str(tmp_path / f"{i}.tfrecord") for i in range(2)]
    for name in names:
        with tf.io.TFRecordWriter(name) as writer:
            writer.write(name)
        with open(name, "ab") as file:
            file.write(b"damaged")
    found = list(tf.data.TFRecordDataset(names).ignore_errors().as_numpy_iterator())
    assert found == [name.encode() for name in names]


def test_all_parts_of_a_zip_advance_past_an_error():
    x = tf.data.Dataset.from_tensor_slices([1.0, 0.0, 4.0])
    inverse = x.map(lambda v: tf.debugging.check_numerics(1.0 / v, "zero"))
    found = tf.data.Dataset.zip((inverse, x)).ignore_errors().as_numpy_iterator()
    assert list(found) == [(1.0, 1.0), (0.25, 4.0)]


def test_negative_padded_shapes_are_refused():
    ds = tf.data.Dataset.from_tensors([1])
    f = tf.function(lambda n: list_of(ds.padded_batch(1, padded_shapes=[n])))
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-negative or -1"):
        f(tf.constant(-5, tf.int64))


def list_of(ds):
    return ds.reduce(0, lambda n, _: n + 1)


def total(elements):
    result = tf.constant(0, tf.int64)
    for x in elements:
        result += x
    return result


@pytest.mark.parametrize("made", [lambda dataset: dataset, iter])
def test_loops_of_python_within_graphs_end(made):
    dataset = tf.data.Dataset.range(5)
    assert int(tf.function(total)(made(dataset))) == 10
    with pytest.raises(ValueError, match="unusually high number"):
        tf.function(total, autograph=False)(made(dataset))


def test_enumerate_of_iterators_within_functions():
    @tf.function
    def counted(iterator):
        last = tf.constant(0, tf.int64)
        for i, _ in enumerate(iterator):
            last = i
        return last

    dataset = tf.data.Dataset.range(5)
    assert int(counted(dataset)) == 4
    distributed = tf.distribute.OneDeviceStrategy("CPU:0").experimental_distribute_dataset(dataset)
    for iterable in (iter(dataset), iter(distributed)):
        with pytest.raises(NotImplementedError, match="enumerate over an iterator"):
            counted(iterable)


def failing_at(*numbers):
    """A function of numbers that raises an error for some; TensorFlow gave the elements that tests expect around it."""
    return lambda x: x // tf.cast(tf.reduce_all(x != tf.constant(numbers, tf.int64)), tf.int64)


def all_of(dataset):
    """The elements, "error" in place of those that raise one."""
    found, iterator = [], iter(dataset)
    while True:
        try:
            found.append(next(iterator).numpy().tolist())
        except StopIteration:
            return found
        except tf.errors.OpError:
            found.append("error")


def test_windows_of_which_an_element_fails_are_errors():
    numbers = Dataset.range(9).map(failing_at(3))
    windows = numbers.window(2, shift=1, drop_remainder=True).flat_map(lambda w: w.batch(2))
    assert all_of(windows) == [*([0, 1], [1, 2], "error", "error", [4, 5], [5, 6], [6, 7], [7, 8])]
    apart = numbers.window(1, shift=2).flat_map(lambda w: w)
    assert all_of(apart) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("threads", [None, 2])
def test_interleaved_datasets_after_an_error(threads):
    dataset = Dataset.range(4).interleave(
        lambda x: Dataset.range(x * 10, x * 10 + 3).map(failing_at(10, 11)),
        cycle_length=2,
        num_parallel_calls=threads,
    )
    if threads is None:
        expected = [0, "error", "error", 12, 1, 2, 20, 21, 30, 22, 31, 32]
    else:
        expected = [0, "error", 1, "error", 2, 12, 20, 30, 21, 31, 22, 32]
    assert all_of(dataset) == expected


@pytest.mark.parametrize("threads", [None, 2])
def test_interleaving_after_a_dataset_that_cannot_be_opened(threads):
    dataset = (
        Dataset.range(5)
        .map(failing_at(1))
        .interleave(
            lambda x: Dataset.range(x * 10, x * 10 + 2), cycle_length=2, num_parallel_calls=threads
        )
    )
    if threads is None:
        expected = [0, "error", 20, 1, 21, 30, 40, 31, 41]
    else:
        expected = [0, "error", 1, 20, 30, 21, 31, 40, 41]
    assert all_of(dataset) == expected


def test_a_shuffled_error_comes_where_its_element_is_read():
    dataset = Dataset.range(8).map(failing_at(2)).shuffle(2, seed=7)
    assert all_of(dataset) == [0, "error", 3, 1, 4, 6, 7, 5]


def test_sparse_batches_begin_after_an_element_that_does_not_fit():
    vectors = Dataset.range(6).map(lambda x: tf.range(x % 4))
    batches = vectors.apply(tf.data.experimental.dense_to_sparse_batch(3, [2]))
    assert all_of(batches.map(lambda s: s.dense_shape)) == [[3, 2], "error", [2, 2]]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (lambda d: d.skip(2), ["error", 4, 5, "error", 7, 8, 9, 10]),
        (lambda d: d.skip(2).skip(3), ["error", "error", 10]),
        (lambda d: d.shard(3, 2), ["error", 4, "error", 9]),
        (lambda d: d.shard(3, 1), ["error", 2, 5, "error", 9]),
    ],
)
def test_elements_before_an_error_do_not_count_among_those_left_out(transform, expected):
    assert all_of(transform(Dataset.range(11).map(failing_at(1, 6)))) == expected


def test_an_error_in_a_last_batch_that_is_dropped_is_raised():
    batches = tf.data.experimental.map_and_batch(failing_at(7), 3, drop_remainder=True)
    assert all_of(Dataset.range(8).apply(batches)) == [[0, 1, 2], [3, 4, 5], "error"]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (lambda d: d.batch(3), [[0, 1, 2], "error", [6, 7, 8], [9, 10]]),
        (lambda d: d.skip(0).batch(3), [[0, 1, 2], "error", [6, 7, 8], [9, 10]]),
        (lambda d: d.prefetch(1).batch(3), [[0, 1, 2], "error", [5, 6, 7], [8, 9, 10]]),
        (
            lambda d: d.batch(3, num_parallel_calls=2),
            [[0, 1, 2], "error", [5, 6, 7], [8, 9, 10]],
        ),
    ],
)
def test_batches_of_a_map_begin_where_they_would_without_an_error(transform, expected):
    assert all_of(transform(Dataset.range(11).map(failing_at(4)))) == expected


def test_a_function_of_other_arguments_names_those_it_got():
    pairs = Dataset.zip((Dataset.range(1), Dataset.from_tensors(1.0)))
    got = "takes 1 positional .* called with 2 argument.*int64.*float32"
    with pytest.raises(TypeError, match=got):
        pairs.map(lambda pair: pair[0])
    with pytest.raises(TypeError, match="called with 2 argument.*int32.*int64"):
        Dataset.range(1).reduce(0, lambda x: x)
    with pytest.raises(TypeError) as other:
        pairs.map(lambda x, y: len(3))
    assert "argument(s)" not in str(other.value)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (2, [[0, 1], [2, 3], "error", [5, 6], "error", [9, 10]]),
        ([3, 1], [[0, 1, 2], [3], "error", [5, 6, 7], "error", [9], [10]]),
        ([1, 3], [[0], [1, 2, 3], "error", [5], "error", [9, 10]]),
    ],
)
def test_rows_of_an_unfinished_batch_are_lost_with_an_error(size, expected):
    dataset = Dataset.range(11).map(failing_at(4, 8)).batch(1).rebatch(size)
    assert all_of(dataset) == expected


@pytest.mark.parametrize("count", [11, 1100])
def test_batches_of_a_map_that_is_no_step_of_its_own(count):
    """The elements are rows, which are computed in stacks where there are many."""
    options = tf.data.Options()
    options.experimental_optimization.map_and_batch_fusion = False
    dataset = Dataset.range(count).map(failing_at(4)).batch(3)
    assert all_of(dataset)[2] == [6, 7, 8]
    assert all_of(dataset.with_options(options))[2] == [5, 6, 7]
