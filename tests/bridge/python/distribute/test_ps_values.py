"""Variables of parameter servers."""

import penstock as tf
from penstock._src.bridge.python.distribute.ps_values import AggregatingVariable


def test_an_aggregating_variable_is_a_view_of_one_variable():
    inner = tf.Variable([1.0, 2.0], name="inner")
    view = AggregatingVariable(tf.distribute.get_strategy(), inner, tf.VariableAggregation.SUM)
    view.assign_add([1.0, 1.0])
    assert isinstance(view, tf.Variable)
    assert view.get() is inner and view.aggregation is tf.VariableAggregation.SUM
    assert inner.numpy().tolist() == view.numpy().tolist() == [2.0, 3.0]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(view * view)
    assert tape.gradient(loss, view).numpy().tolist() == [4.0, 6.0]


def test_what_replicas_assign_is_combined():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    view = AggregatingVariable(strategy, tf.Variable(1.0), tf.VariableAggregation.SUM)
    strategy.run(lambda: view.assign_add(tf.constant(2.0)))
    assert float(view) == 5.0
