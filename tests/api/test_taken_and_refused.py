"""What functions of several namespaces take or refuse, as TensorFlow 2.21 does."""

import pytest

import penstock as tf


class Readings:
    """A sequence that is no list: it has a length and elements."""

    def __init__(self, *elements):
        self.elements = elements

    def __len__(self):
        return len(self.elements)

    def __getitem__(self, place):
        return self.elements[place]


def test_classes_with_a_length_and_elements_are_sequences():
    assert tf.constant(Readings(1.5, 2)).numpy().tolist() == [1.5, 2.0]
    assert tf.convert_to_tensor([Readings(1, 2), [3, 4]]).numpy().tolist() == [[1, 2], [3, 4]]
    assert tf.constant(Readings("a")).dtype == tf.string
    assert tf.constant(Readings()).dtype == tf.float32
    with pytest.raises(ValueError, match="non-rectangular"):
        tf.constant([Readings(1, 2), [3]])
    with pytest.raises(ValueError, match="unsupported type"):
        tf.constant({0: 1})


def test_strings_have_no_gradient():
    def f():
        x, text = tf.constant(1.0), tf.constant("b")
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * 2
        return tape.gradient([y, text], [x, text])

    for run in (f, tf.function(f)):
        by_number, by_text = run()
        assert float(by_number) == 2.0
        assert by_text is None


@pytest.mark.parametrize("method", ["jacobian", "batch_jacobian"])
def test_rows_that_are_differentiated_one_by_one_need_a_persistent_tape(method):
    x = tf.constant([[1.0, 2.0]])

    def f(persistent):
        with tf.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = x * x
        return getattr(tape, method)(y, x, experimental_use_pfor=False)

    with pytest.raises(RuntimeError, match="persistent=True"):
        f(False)
    assert float(tf.reduce_sum(f(True))) == 6.0
    assert float(tf.reduce_sum(tf.function(f)(False))) == 6.0


def test_a_ragged_tensor_has_no_length():
    with pytest.raises(TypeError, match="has no len()"):
        len(tf.ragged.constant([[1, 2], [3]]))


def test_values_of_ragged_tensors_are_masks():
    value = tf.compat.v1.ragged.constant_value
    mask = value([[False, True], [False], [True, True]])
    assert tf.ragged.boolean_mask(value([[1, 2], [3], [4, 5]]), mask).to_list() == [[2], [], [4, 5]]


def test_bounds_of_unknown_dimensions_are_left_out():
    unknown = tf.compat.v1.Dimension(None)
    assert tf.constant([1, 2, 3])[unknown : tf.compat.v1.Dimension(2)].numpy().tolist() == [1, 2]
    assert tf.constant([1, 2, 3])[:unknown:unknown].numpy().tolist() == [1, 2, 3]


@pytest.mark.parametrize("select, low, high", [("v", 0.0, 2.5), ("i", 0, 1)])
def test_tensors_select_eigenvalues_in_functions(select, low, high):
    @tf.function
    def f(low, high):
        return tf.linalg.eigh_tridiagonal(
            [1.0, 2.0, 3.0], [0.5, 0.5], select=select, select_range=(low, high)
        )

    found = f(tf.constant(low), tf.constant(high)).numpy()
    assert found.tolist() == pytest.approx([0.7752551, 2.0], abs=1e-5)


def test_whole_lines_of_a_file_of_items_may_be_integers(tmp_path):
    path, index = tmp_path / "items.txt", tf.lookup.TextFileIndex
    path.write_text("30\n40\n")
    items = tf.lookup.TextFileInitializer(
        str(path), tf.int64, index.LINE_NUMBER, tf.int64, index.WHOLE_LINE
    )
    table = tf.lookup.StaticHashTable(items, -1)
    assert table.lookup(tf.constant([1, 5], tf.int64)).numpy().tolist() == [40, -1]
    with pytest.raises(ValueError, match="either integer or string"):
        tf.lookup.TextFileInitializer("", tf.int64, 0, tf.float32, index.WHOLE_LINE)


def test_a_choice_of_datasets_is_a_dataset():
    with pytest.raises(TypeError, match="should be a `tf.data.Dataset`"):
        tf.data.Dataset.choose_from_datasets([tf.data.Dataset.range(2)], None)
