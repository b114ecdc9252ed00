"""tf.random.Generator under strategies, over two logical CPUs. The numbers are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.eager_context import _reset_context


@pytest.fixture
def strategy():
    _reset_context()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    yield tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    _reset_context()


class Drawing(tf.Module):
    def __init__(self):
        self.generator = tf.random.Generator.from_seed(1)

    @tf.function(input_signature=[])
    def draw(self):
        return self.generator.normal([2])


def drawn(strategy, function):
    return np.stack(strategy.experimental_local_results(strategy.run(function)))


FIRST = [[-0.87930447, 1.4680789], [0.02066157, 1.9473345]]
SECOND = [[-0.5039703, -0.17300826], [0.1251838, -0.25414044]]
PLAIN = [0.43842274, -0.53439844]


def test_replicas_draw_numbers_of_their_own(strategy):
    with strategy.scope():
        generator = tf.random.Generator.from_seed(1)
    np.testing.assert_allclose(drawn(strategy, lambda: generator.normal([2])), FIRST, 1e-6)
    np.testing.assert_allclose(drawn(strategy, lambda: generator.normal([2])), SECOND, 1e-6)
    in_function = drawn(strategy, tf.function(lambda: generator.normal([2])))
    np.testing.assert_allclose(
        in_function, [[0.16718747, 0.30425787], [-0.35701847, -0.47952694]], 1e-6
    )


def test_draws_between_replicas_keep_the_copies_of_the_state_equal(strategy):
    with strategy.scope():
        generator = tf.random.Generator.from_seed(1)
    np.testing.assert_allclose(generator.normal([2]), PLAIN, 1e-6)
    generator.binomial([2], 5.0, 0.5)
    states = [state.numpy().tolist() for state in generator.state.values]
    assert states[0] == states[1] != [1, 0, 0]


def test_a_generator_made_before_gives_replicas_one_stream(strategy):
    generator = tf.random.Generator.from_seed(1)
    numbers = drawn(strategy, lambda: generator.normal([2]))
    np.testing.assert_allclose(numbers, [PLAIN, [1.6307176, 0.00784778]], 1e-5)


def test_a_generator_made_in_replicas_differs_between_them(strategy):
    numbers = drawn(strategy, lambda: tf.random.Generator.from_seed(3).normal([2]))
    np.testing.assert_allclose(numbers, [[0.8135517, 1.3360611], [0.2773456, 0.40124485]], 1e-5)


def test_a_generator_refuses_the_scope_of_another_strategy(strategy):
    with strategy.scope():
        generator = tf.random.Generator.from_seed(1)
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        with pytest.raises(RuntimeError, match=r"Mixing different tf\.distribute\.Strategy"):
            generator.normal([1])


@pytest.mark.parametrize("is_traced", [False, True])
def test_saved_functions_draw_as_without_a_strategy(strategy, tmp_path, is_traced):
    with strategy.scope():
        drawing = Drawing()
    if is_traced:
        drawing.draw()
        drawn(strategy, drawing.draw)
        drawing.generator.reset_from_seed(1)
    tf.saved_model.save(drawing, str(tmp_path))
    np.testing.assert_allclose(tf.saved_model.load(str(tmp_path)).draw(), PLAIN, 1e-6)
