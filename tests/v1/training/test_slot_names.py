"""Names of the variables that optimizers and moving averages make."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1

OPTIMIZERS = {
    "Adam": (lambda: v1.train.AdamOptimizer(0.1), 2),
    "RMSProp": (lambda: v1.train.RMSPropOptimizer(0.1, centered=True), 3),
    "Ftrl": (lambda: v1.train.FtrlOptimizer(0.1), 2),
    "Adadelta": (lambda: v1.train.AdadeltaOptimizer(0.1), 2),
}


def slot_names(optimizer, variable):
    return sorted(optimizer.get_slot(variable, n).name for n in optimizer.get_slot_names())


def expected(base, first, count):
    numbers = range(first, first + count)
    return sorted(f"{base}{f'_{i}' if i else ''}:0" for i in numbers)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_eager_slots_have_names_of_their_own_and_are_saved(tmp_path, kind):
    make, count = OPTIMIZERS[kind]
    w = tf.Variable([1.0], name=f"of_{kind}")
    for first in (0, count):  # those of a second optimizer have other numbers
        optimizer = make()
        optimizer.apply_gradients([(tf.constant([1.0]), w)])
        assert slot_names(optimizer, w) == expected(f"of_{kind}/{kind}", first, count)
    path = v1.train.Saver([w, *optimizer.variables()]).save(None, str(tmp_path / "c"))
    assert len(tf.train.list_variables(path)) == 1 + len(optimizer.variables())


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_slots_of_graphs_have_names_without_name_scopes(kind):
    make, count = OPTIMIZERS[kind]
    with tf.Graph().as_default():
        w, optimizer = v1.get_variable("w", [1]), make()
        with tf.name_scope("training"):
            optimizer.apply_gradients([(tf.constant([1.0]), w)])
        assert slot_names(optimizer, w) == expected(f"w/{kind}", 0, count)
        with v1.variable_scope("scope"):
            optimizer = make()
            optimizer.apply_gradients([(tf.constant([1.0]), w)])
        assert slot_names(optimizer, w) == expected(f"scope/w/{kind}", 0, count)


def test_moving_averages_have_names_of_their_own_without_name_scopes():
    with tf.Graph().as_default():
        w, averages = v1.get_variable("w", [1]), []
        with tf.name_scope("training"):
            for _ in range(2):
                averages.append(tf.train.ExponentialMovingAverage(0.5))
                averages[-1].apply([w])
        names = [average.average_name(w) for average in averages]
        assert names == ["w/ExponentialMovingAverage", "w/ExponentialMovingAverage_1"]
    assert repr(w) == "<tf.Variable 'w:0' shape=(1,) dtype=float32>"
    w = tf.Variable([1.0], name="averaged")
    for name in ("averaged/ExponentialMovingAverage:0", "averaged/ExponentialMovingAverage_1:0"):
        average = tf.train.ExponentialMovingAverage(0.5)
        average.apply([w])
        assert average.average(w).name == name


def test_names_of_ftrl():
    with tf.Graph().as_default():
        w = v1.get_variable("w", [2])
        optimizer = v1.train.FtrlOptimizer(0.1, accum_name="sums", linear_name="lines")
        optimizer.minimize(tf.reduce_sum(w * w))
        assert slot_names(optimizer, w) == ["w/lines:0", "w/sums:0"]


def test_unknown_ways_to_sum_gradients_are_refused():
    with tf.Graph().as_default():
        w = v1.get_variable("w", [2])
        for call in (
            lambda: v1.train.AdamOptimizer(0.1).minimize(w * w, aggregation_method=7),
            lambda: tf.gradients(w * w, w, aggregation_method=7),
            lambda: tf.hessians(w * w, w, aggregation_method=7),
        ):
            with pytest.raises(ValueError, match="Invalid `aggregation_method` specified 7"):
                call()
