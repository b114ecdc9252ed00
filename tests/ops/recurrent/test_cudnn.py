"""Graphs that contain cuDNN's recurrent layers, as those of tf_keras do."""

import penstock as tf


def test_gradients_of_cudnn_gru_are_traced():
    @tf.function
    def gradients(inputs, state, parameters):
        outputs = tf.raw_ops.CudnnRNNV3(
            input=inputs,
            input_h=state,
            input_c=0.0,
            params=parameters,
            sequence_lengths=[2, 2],
            rnn_mode="gru",
        )
        assert outputs.output_c.shape == []
        return tf.gradients(outputs.output, [inputs, parameters])

    shapes = ([3, 2, 4], [1, 2, 5], [None])
    traced = gradients.get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes))
    assert any(op.type == "CudnnRNNBackpropV3" for op in traced.graph.get_operations())
