"""On which logical CPU tensors and variables say that they are. The names are those of TensorFlow 2.21."""

import copy

import pytest

import penstock as tf
from penstock._src.bridge.eager_context import _reset_context


@pytest.fixture(autouse=True)
def three_cpus():
    _reset_context()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
    yield
    _reset_context()


def numbers(*values):
    """The numbers of the values' CPUs."""
    prefix = "/job:localhost/replica:0/task:0/device:CPU:"
    assert all(value.device.startswith(prefix) for value in values)
    return [int(value.device.removeprefix(prefix)) for value in values]


def test_what_a_scope_makes_is_on_its_cpu():
    with tf.device("CPU:1"):
        tensor, variable = tf.constant(1.0), tf.Variable(3.0)
        assert numbers(tensor, variable, tf.add(1.0, 2.0), tf.range(3)) == [1, 1, 1, 1]
        assert numbers(tf.random.normal([2]), tf.constant("a"), tf.ones([2])) == [1, 1, 1]
    assert numbers(variable.value(), variable.assign(2.0), copy.deepcopy(tensor)) == [1, 1, 1]
    assert numbers(tensor + 1.0, variable + 1.0, variable.read_value(), tensor.cpu()) == [0] * 4
    with tf.device("CPU:2"):
        assert numbers(tensor, tf.identity(tensor), variable.read_value()) == [1, 2, 2]
    with tf.device("CPU:9"):
        assert numbers(tf.constant(1.0)) == [0]


def test_results_of_functions_are_on_the_cpu_of_the_call():
    @tf.function
    def function(x):
        with tf.device("CPU:2"):
            return x + 1.0

    assert numbers(function(tf.constant(1.0))) == [0]
    with tf.device("CPU:1"):
        x = tf.constant(1.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        assert numbers(y, tape.gradient(y, x)) == [1, 1]


def test_elements_are_on_the_cpu_of_the_iterator():
    with tf.device("CPU:1"):
        iterator = iter(tf.data.Dataset.range(2))
    assert numbers(next(iterator)) == [1]


def test_strategies_place_variables_and_values():
    one = tf.distribute.OneDeviceStrategy("CPU:1")
    with one.scope():
        variable = tf.Variable(1.0)
    assert numbers(variable, one.run(lambda: variable + 1.0)) == [1, 1]

    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"])
    with mirrored.scope():
        variable = tf.Variable(1.0)
    assert numbers(*variable.values) == [0, 1, 2]
    assert numbers(*mirrored.run(lambda: variable + 1.0).values) == [0, 1, 2]
    batches = mirrored.experimental_distribute_dataset(tf.data.Dataset.range(6).batch(3))
    assert numbers(*next(iter(batches)).values) == [0, 1, 2]


def test_seeded_ops_have_a_stream_on_each_cpu():
    tf.random.set_seed(1)

    def drawn(device):
        with tf.device(device):
            return tf.random.uniform([2], seed=3).numpy().tolist()

    first, second = drawn("CPU:0"), drawn("CPU:0")
    assert first != second
    assert [drawn("CPU:1"), drawn("CPU:2"), drawn("CPU:1")] == [first, first, second]


def test_functions_have_a_stream_on_each_cpu():
    draw = tf.function(lambda: tf.random.uniform([2], seed=3))

    def drawn(device):
        with tf.device(device):
            return draw().numpy().tolist()

    first, second = drawn("CPU:1"), drawn("CPU:1")
    assert first != second
    assert [drawn("CPU:0"), drawn("CPU:2"), drawn("CPU:0"), drawn("CPU:1")][:3] == [
        first,
        first,
        second,
    ]
