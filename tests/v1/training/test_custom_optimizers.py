"""Optimizers that other libraries derive from TensorFlow 1's, by its protected methods. Numbers are TensorFlow's."""

import numpy as np
import pytest

import penstock.compat.v1 as tf

train = tf.train


class Heavy(train.Optimizer):
    """Momentum with a counter that all variables share."""

    def __init__(self, rate=0.1, name="Heavy"):
        super().__init__(False, name)
        self._rate = rate

    def _create_slots(self, var_list):
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(initial_value=1.0, name="power", colocate_with=first)
        for variable in var_list:
            self._zeros_slot(variable, "m", self._name)
            self._get_or_make_slot(variable, tf.ones_like(variable), "n", self._name)

    def _prepare(self):
        self._rate_tensor = tf.convert_to_tensor(self._call_if_callable(self._rate))

    def _apply_dense(self, grad, var):
        moved = self.get_slot(var, "m").assign(0.9 * self.get_slot(var, "m") + grad)
        return var.assign_sub(self._rate_tensor * moved).op

    def _resource_apply_dense(self, grad, handle):
        return self._apply_dense(grad, handle)

    def _resource_apply_sparse(self, grad, handle, indices):
        return handle.scatter_sub(tf.IndexedSlices(self._rate_tensor * grad, indices)).op

    def _apply_sparse(self, grad, var):
        return self._resource_apply_sparse(grad.values, var, grad.indices)

    def _finish(self, update_ops, name_scope):
        power = self._get_non_slot_variable("power", tf.get_default_graph())
        with tf.control_dependencies(update_ops):
            doubled = power.assign(power * 2).op
        return tf.group(*update_ops, doubled, name=name_scope)


class Decayed(train.AdamOptimizer):
    """Adam whose gradients have a share of the weights, with a third of the rate."""

    def _prepare(self):
        super()._prepare()
        self._lr_t = self._lr_t / 3.0

    def _apply_dense(self, grad, var):
        return super()._apply_dense(grad + 0.1 * var, var)

    def _resource_apply_dense(self, grad, handle):
        return super()._resource_apply_dense(grad + 0.1 * handle, handle)


def steps(optimizer, **options):
    """The variables after three steps, and the names of the optimizer's own."""
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=[1.0, 2.0, 3.0], **options)
        rows = tf.get_variable("rows", initializer=[[1.0], [2.0]])
        looked_up = tf.nn.embedding_lookup(rows, [1, 1])
        step = optimizer.minimize(tf.reduce_sum(v * v) + tf.reduce_sum(looked_up))
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(step)
        return *session.run([v, rows]), sorted(x.op.name for x in optimizer.variables())


def test_hooks_of_a_subclass_are_called():
    v, rows, names = steps(Heavy())
    assert np.allclose(v, [0.062, 0.124, 0.186], atol=1e-6)
    assert np.allclose(rows, [[1.0], [1.4]])  # the two slices of a row come as one
    assert names == ["power", "rows/Heavy", "rows/Heavy_1", "v/Heavy", "v/Heavy_1"]


def test_a_subclass_extends_the_rule_of_its_base():
    v, rows, _ = steps(Decayed(0.1))
    assert np.allclose(v, [0.9001276, 1.9000585, 2.900038], atol=1e-5)
    assert np.allclose(rows, [[1.0], [1.9]], atol=1e-5)


def test_steps_outside_of_graphs_call_the_hooks():
    v, optimizer = tf.Variable([1.0, 2.0]), Decayed(0.3)
    with tf.init_scope():
        optimizer.apply_gradients([(tf.constant([1.0, 1.0]), v)])
    assert np.allclose(v.numpy(), [0.9, 1.9], atol=1e-5)


def test_constraints_are_applied_after_each_step():
    optimizer = train.GradientDescentOptimizer(0.1)
    v, *_ = steps(optimizer, constraint=lambda x: tf.maximum(x, 1.5))
    assert np.allclose(v, [1.5, 1.5, 1.536])


def test_constraints_of_rows_are_refused():
    with tf.Graph().as_default():
        v = tf.get_variable("v", initializer=[1.0, 2.0], constraint=tf.abs)
        with pytest.raises(RuntimeError, match="constraint function on a sparse variable"):
            train.AdamOptimizer().minimize(tf.reduce_sum(tf.gather(v, [1])))


def test_hyperparameters_are_attributes():
    optimizer = train.RMSPropOptimizer(0.1, decay=0.8)
    optimizer._learning_rate = 0.2
    assert (optimizer._learning_rate, optimizer._decay, optimizer._momentum) == (0.2, 0.8, 0.0)
