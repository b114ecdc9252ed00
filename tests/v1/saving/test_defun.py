"""Functions of graphs, made by TensorFlow 1's Defun."""

import pytest

import penstock.compat.v1 as tf
from penstock._src.v1.saving.defun import Defun


def run(*fetches):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(fetches))


def test_functions_have_types_names_and_captures():
    with tf.Graph().as_default():
        v = tf.get_variable("v", initializer=5.0)

        @Defun(tf.float32, tf.float32, func_name="Both", out_names=["total", "product"])
        def both(x, y):
            return x + y, x * y * v

        total, product = both(1.0, 2.0)
        assert run(total, product) == [3, 10]
        assert both.name == "Both" and len(both.captured_inputs) == 1
        assert [a.name for a in both.definition.signature.output_arg] == ["total", "product"]
        with pytest.raises(ValueError, match="Expected 2 arguments"):
            both(1.0)


def test_gradients_are_functions_of_either_kind():
    with tf.Graph().as_default():
        gradient = Defun(tf.float32, tf.float32)(lambda x, dy: 100 * dy * x)
        square = Defun(tf.float32, grad_func=gradient)(lambda x: x * x)
        half = Defun(tf.float32, python_grad_func=lambda op, dy: 7 * dy + 0 * op.inputs[0])(
            lambda x: x / 2
        )
        x = tf.constant(3.0)
        (of_square,), (of_half,) = tf.gradients(square(x), x), tf.gradients(half(x), x)
        assert run(of_square, of_half) == [300, 7]


def test_types_follow_from_arguments_if_none_are_given():
    with tf.Graph().as_default():
        double = Defun()(lambda x: 2 * x)
        assert run(double(tf.constant(2)), double(tf.constant(2.5))) == [4, 5]
    with pytest.raises(ValueError, match="number of tf.function input types"):
        Defun(tf.float32, tf.float32)(lambda x: x)
    with pytest.raises(ValueError, match="defaults or keywords"):
        Defun(tf.float32)(lambda x=1: x)
