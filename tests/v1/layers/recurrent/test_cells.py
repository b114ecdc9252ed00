"""The recurrent cells of TensorFlow 1."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.layers.recurrent.cell import RNNCell
from penstock._src.v1.layers.recurrent.cell_wrappers import (
    DeviceWrapper,
    DropoutWrapper,
    MultiRNNCell,
    ResidualWrapper,
)
from penstock._src.v1.layers.recurrent.cells import BasicRNNCell, GRUCell
from penstock._src.v1.layers.recurrent.lstm import BasicLSTMCell, LSTMCell, LSTMStateTuple

v1 = tf.compat.v1
ONES = tf.compat.v1.initializers.ones()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_plain_and_gated_steps():
    with v1.variable_scope("root", initializer=ONES):
        output, state = BasicRNNCell(1)(tf.constant([[0.5]]), tf.constant([[0.25]]))
        np.testing.assert_allclose(output, [[np.tanh(0.75)]], rtol=1e-6)
        assert output is state
        output, _ = GRUCell(1)(tf.constant([[0.5]]), tf.constant([[0.25]]))
    gate = sigmoid(0.75 + 1)
    expected = gate * 0.25 + (1 - gate) * np.tanh(0.5 + gate * 0.25)
    np.testing.assert_allclose(output, [[expected]], rtol=1e-6)


@pytest.mark.parametrize("kind", [BasicLSTMCell, LSTMCell])
def test_a_step_with_memory(kind):
    with v1.variable_scope("root", initializer=ONES):
        output, state = kind(1)(tf.constant([[0.5]]), LSTMStateTuple(*[tf.constant([[0.25]])] * 2))
    memory = sigmoid(1.75) * 0.25 + sigmoid(0.75) * np.tanh(0.75)
    np.testing.assert_allclose(state.c, [[memory]], rtol=1e-6)
    np.testing.assert_allclose(output, [[sigmoid(0.75) * np.tanh(memory)]], rtol=1e-6)


def test_projection_peepholes_clips_and_shards():
    cell = LSTMCell(
        4, use_peepholes=True, cell_clip=0.5, num_proj=2, proj_clip=0.1, num_unit_shards=2,
        state_is_tuple=False, initializer=ONES,
    )  # fmt: skip
    with tf.Graph().as_default(), v1.Session() as session:
        output, state = cell(tf.ones([3, 2]), cell.zero_state(3, tf.float32))
        names = [variable.op.name for variable in v1.global_variables()]
        assert names[:2] == ["lstm_cell/kernel/part_0", "lstm_cell/kernel/part_1"]
        assert names[-2:] == ["lstm_cell/w_o_diag", "lstm_cell/projection/kernel"]
        session.run(v1.global_variables_initializer())
        output, state = session.run([output, state])
    assert (output.shape, state.shape, cell.state_size) == ((3, 2), (3, 6), 6)
    np.testing.assert_allclose(output, np.full([3, 2], 0.1), rtol=1e-6)
    np.testing.assert_allclose(state[:, :4], np.full([3, 4], 0.5), rtol=1e-6)


def test_variables_that_call_creates_are_weights():
    class Scaling(RNNCell):
        state_size = output_size = 1

        def call(self, inputs, state):
            return inputs * v1.get_variable("scale", [1]), state

    with tf.Graph().as_default():
        cell = Scaling()
        for _ in range(2):
            cell(tf.ones([1, 1]), cell.zero_state(1, tf.float32))
        assert [w.name for w in cell.trainable_weights] == ["scaling/scale:0"]


def test_cells_on_top_of_each_other():
    stack = MultiRNNCell([GRUCell(2), LSTMCell(3)])
    state = stack.zero_state(1, tf.float32)
    output, after = stack(tf.ones([1, 4]), state)
    assert output.shape == (1, 3) and isinstance(after[1], LSTMStateTuple)
    assert stack.weights[0].name == "multi_rnn_cell/cell_0/gru_cell/gates/kernel:0"
    assert len(stack.trainable_weights) == 6
    with pytest.raises(ValueError, match="Expected state to be a tuple"):
        stack(tf.ones([1, 4]), tf.ones([1, 5]))
    with pytest.raises(ValueError, match="state_is_tuple is not set"):
        MultiRNNCell([LSTMCell(3)], state_is_tuple=False)


def test_wrappers_call_the_cell():
    cell = BasicRNNCell(2)
    inputs, state = tf.ones([1, 2]), tf.zeros([1, 2])
    plain, _ = cell(inputs, state)
    np.testing.assert_allclose(ResidualWrapper(cell)(inputs, state)[0], plain + 1)
    np.testing.assert_allclose(DeviceWrapper(cell, "/cpu:0")(inputs, state)[0], plain)
    dropped = DropoutWrapper(cell, output_keep_prob=1e-9)(inputs, state)[0]
    np.testing.assert_allclose(dropped, [[0, 0]])
    assert DropoutWrapper(cell)._trackable_children()["cell"] is cell


def test_wrappers_are_recreated_from_configs():
    cell = LSTMCell(2)
    wrapper = DropoutWrapper(cell, 0.5, dropout_state_filter_visitor=lambda part: False)
    config = wrapper.get_config()
    with pytest.raises(ValueError, match="cannot reconstruct"):
        DropoutWrapper.from_config(config)
    again = DropoutWrapper.from_config({**config, "cell": LSTMCell.from_config(cell.get_config())})
    assert again.get_config()["input_keep_prob"] == 0.5
    assert again._dropout_state_filter(None) is False


def test_probabilities_are_checked_if_static():
    with pytest.raises(ValueError, match="must be between 0 and 1"):
        DropoutWrapper(BasicRNNCell(1), tf.constant(2.0))


def test_only_floating_point_numbers():
    with pytest.raises(ValueError, match="only supports floating point"):
        GRUCell(1, dtype=tf.int32)
    with pytest.raises(ValueError, match="only supports floating point"):
        GRUCell(1)(tf.ones([1, 1], tf.int32), tf.ones([1, 1]))


def test_initial_state_agrees_with_the_inputs():
    cell = BasicRNNCell(5)
    assert cell.get_initial_state(tf.ones([3, 2])).shape == (3, 5)
    with pytest.raises(ValueError, match="batch size from input tensor is different"):
        cell.get_initial_state(tf.ones([3, 2]), batch_size=4)
    with pytest.raises(ValueError, match="dtype from input tensor is different"):
        cell.get_initial_state(tf.ones([3, 2]), dtype=tf.int32)


def test_dynamic_rnn_keeps_a_state_of_another_type():
    class Counting(RNNCell):
        output_size, state_size = 1, tf.TensorShape([])

        def zero_state(self, batch_size, dtype):
            return tf.zeros([], tf.int32)

        def call(self, inputs, state):
            return inputs, state + 1

    outputs, state = v1.nn.dynamic_rnn(Counting(), tf.ones([1, 4, 1]), dtype=tf.float32)
    assert outputs.dtype == tf.float32 and state.numpy() == 4
