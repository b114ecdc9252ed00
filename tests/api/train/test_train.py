"""Moving averages, coordinators, queue runners and conjugate gradients."""

import threading

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def test_averages_move_towards_the_values():
    variable = tf.Variable([1.0, 2.0], name="v")
    averages = tf.train.ExponentialMovingAverage(0.9)
    averages.apply([variable])
    variable.assign([3.0, 5.0])
    averages.apply([variable])
    np.testing.assert_allclose(averages.average(variable), [1.2, 2.3], rtol=1e-6)
    assert averages.average(variable).name == "v/ExponentialMovingAverage:0"
    assert averages.average(tf.Variable(1.0)) is None


def test_averages_of_other_types_are_rejected():
    with pytest.raises(TypeError, match="half, float, or double"):
        tf.train.ExponentialMovingAverage(0.9).apply([tf.Variable(1)])


def test_averages_in_a_session():
    with tf.Graph().as_default():
        variable = v1.Variable(1.0)
        averages = tf.train.ExponentialMovingAverage(0.5)
        step = averages.apply([variable])
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            session.run(variable.assign(3.0))
            session.run(step)
            assert session.run(averages.average(variable)) == 2.0


def test_a_coordinator_raises_what_a_thread_raised():
    coordinator = tf.train.Coordinator()

    def work():
        with coordinator.stop_on_exception():
            raise KeyError("broken")

    thread = threading.Thread(target=work)
    thread.start()
    with pytest.raises(KeyError, match="broken"):
        coordinator.join([thread])
    assert coordinator.should_stop() and coordinator.joined


def test_queue_runners_fill_queues():
    with tf.Graph().as_default():
        queue = tf.queue.FIFOQueue(2, [tf.int32], [[]])
        v1.train.add_queue_runner(v1.train.QueueRunner(queue, [queue.enqueue(7)]))
        taken = queue.dequeue_many(3)
        with v1.Session() as session:
            coordinator = tf.train.Coordinator()
            threads = v1.train.start_queue_runners(session, coordinator)
            np.testing.assert_array_equal(session.run(taken), [7, 7, 7])
            coordinator.request_stop()
            coordinator.join(threads, stop_grace_period_secs=10)


def test_conjugate_gradients():
    matrix = np.array([[4.0, 1.0], [1.0, 3.0]])
    operator = tf.linalg.LinearOperatorFullMatrix(
        matrix, is_self_adjoint=True, is_positive_definite=True
    )
    rhs = np.array([[1.0, 2.0], [3.0, 4.0]])
    state = tf.linalg.experimental.conjugate_gradient(operator, rhs, tol=1e-12)
    np.testing.assert_allclose(state.x, np.linalg.solve(matrix, rhs.T).T, rtol=1e-10)
    with pytest.raises(ValueError, match="self-adjoint, positive definite"):
        tf.linalg.experimental.conjugate_gradient(tf.linalg.LinearOperatorFullMatrix(matrix), rhs)


def test_averages_of_tensors_are_corrected_by_the_first_apply():
    with tf.Graph().as_default(), v1.Session() as session:
        value = tf.constant([3.0, 4.0], name="t")
        averages = v1.train.ExponentialMovingAverage(0.25, zero_debias=True)
        move = averages.apply([value])
        session.run(v1.global_variables_initializer())
        for _ in range(2):
            session.run(move)
            np.testing.assert_allclose(session.run(averages.average(value)), [3.0, 4.0], rtol=1e-6)


def test_averaged_variables_are_collected_and_restored():
    with tf.Graph().as_default():
        variable = v1.get_variable("a", [2])
        counter = v1.get_variable("b", [], trainable=False)
        sums = tf.identity(variable, name="sums")
        averages = v1.train.ExponentialMovingAverage(0.25)
        averages.apply([variable, counter, sums])
        assert v1.moving_average_variables() == [variable, counter]
        restored = averages.variables_to_restore()
    suffix = "ExponentialMovingAverage"
    assert restored[f"a/{suffix}"] is variable and restored[f"b/{suffix}"] is counter
    assert restored[f"sums/{suffix}"] is averages.average(sums)
    assert len(restored) == 3
