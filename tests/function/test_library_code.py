"""What code of libraries does with functions: decorate them, name variables in them, choose implementations."""

import threading

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def implementations():
    """A function that calls one implementation for any device, and registers another for the CPU."""
    made = {}
    for device, factor in (("GPU", 2.0), ("CPU", 3.0)):
        attributes = {"api_implements": "scaled", "api_preferred_device": device}
        made[device] = tf.function(
            lambda x, factor=factor: tf.exp(x) * factor, experimental_attributes=attributes
        )

    @tf.function
    def scaled(x):
        result = made["GPU"](x)
        concrete = made["CPU"].get_concrete_function(x)
        concrete.add_to_graph()
        concrete.add_gradient_functions_to_graph()
        return result

    return scaled


def test_the_implementation_for_the_cpu_runs_before_and_after_gradients():
    scaled, x = implementations(), tf.constant(0.0)
    assert scaled(x).numpy() == 3
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = scaled(x)
    assert tape.gradient(y, x).numpy() == y.numpy()
    assert scaled(x).numpy() == 3
    assert tf.function(lambda x: scaled(x) + 1)(x).numpy() == 4


def test_a_loop_on_the_host_runs_on_after_its_gradient_was_asked_for():
    @tf.function
    def f(x):
        for _ in tf.range(3):
            x *= tf.strings.to_number(tf.strings.as_string(x[0]))
        return x

    x = tf.constant([2.0, 3.0])
    before = f(x).numpy()
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    tape.gradient(y, x)
    np.testing.assert_array_equal(f(x), before)


def test_a_function_of_an_object_has_its_attributes_besides_its_own():
    class Model:
        def __init__(self):
            self._lock, self.tracker = threading.Lock(), {}

        def __call__(self, x):
            return x + 1

    model = Model()
    function = tf.function(model)
    assert function(tf.constant(1)).numpy() == 2 and function.tracker is model.tracker


def test_a_function_is_decorated_in_place_until_it_is_traced():
    function = tf.function(lambda x: x + 1)
    function._decorate(lambda f: lambda x: f(x) * 10)
    assert function(tf.constant(1)).numpy() == 20
    with pytest.raises(ValueError, match="traced"):
        function._decorate(lambda f: f)


def test_variables_of_a_function_have_its_scopes_in_their_names():
    made = []

    @tf.function
    def f():
        with tf.name_scope("inner"):
            if not made:
                made.append(tf.Variable(1.0, name="v"))
                with tf.init_scope():
                    made.append(tf.Variable(1.0, name="w"))
        return made[0] + 1

    with tf.name_scope("outer"):
        f()
    assert [v.name for v in made] == ["inner/v:0", "inner/w:0"]


def test_variables_begin_with_zeros_like_an_argument_of_known_shape():
    made = []

    @tf.function
    def f(x):
        if not made:
            made.append(tf.Variable(tf.zeros_like(x)))
        return made[0] + x

    f.get_concrete_function(tf.TensorSpec([2], tf.float32))
    assert made[0].numpy().tolist() == [0, 0]


def test_the_default_of_a_lambda_is_read_where_it_is_made():
    @tf.function
    def f(n):
        total = tf.constant(0)
        for i in tf.range(n):
            total = (lambda held, now=i: held + now)(total)
        return total

    assert f(tf.constant(0)).numpy() == 0 and f(tf.constant(4)).numpy() == 6


def test_none_among_results():
    concrete = tf.function(lambda x: (x, None)).get_concrete_function(tf.ones([2]))
    assert concrete.output_dtypes == (tf.float32, None)
    assert concrete.output_shapes == (tf.TensorShape([2]), tf.TensorShape(None))


def test_creators_of_variables_get_every_argument():
    seen = {}

    def creator(make, **kwargs):
        seen.update(kwargs)
        return make(**kwargs)

    with tf.variable_creator_scope(creator):
        tf.Variable(1.0, name="x")
    assert seen["synchronization"] is tf.VariableSynchronization.AUTO
    assert seen["aggregation"] is tf.VariableAggregation.NONE
    assert seen["validate_shape"] is True and seen["shape"] is None and seen["name"] == "x"


def test_small_tensors_of_one_number_are_constants_in_graphs():
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [2, 3])
        small = [tf.zeros([3]), tf.ones([2], tf.bool), tf.zeros_like(x), tf.ones_like(x, tf.int32)]
        large = [tf.zeros([50, 50]), tf.zeros([tf.shape(x)[0]])]
        assert [t.op.type for t in small] == ["Const"] * 4
        assert [t.op.type for t in large] == ["Fill"] * 2


def test_a_transposed_convolution_of_a_shape_known_when_it_runs():
    @tf.function
    def f(x):
        shape = tf.concat([tf.shape(x)[:1], [4, 4, 1]], 0)
        return tf.nn.conv_transpose(x, tf.ones([2, 2, 1, 1]), shape, [2, 2])

    assert f(tf.ones([3, 2, 2, 1])).numpy().sum() == 48


def test_recurrent_layers_of_cudnn_can_be_traced_but_not_run():
    x, h = tf.zeros([5, 2, 3]), tf.zeros([1, 2, 4])

    def run(x):
        return tf.raw_ops.CudnnRNN(input=x, input_h=h, input_c=h, params=tf.zeros([100]))

    @tf.function
    def gradient(x):
        return tf.gradients(run(x)[0], x)

    assert gradient.get_concrete_function(x).output_shapes == [tf.TensorShape([5, 2, 3])]
    shapes = tf.function(run).get_concrete_function(x).output_shapes
    assert shapes[0] == [5, 2, 4] and shapes[1] == [1, 2, 4]
    with pytest.raises(tf.errors.NotFoundError, match="CudnnRNN"):
        run(x)


def test_a_library_s_function_is_converted_where_it_is_given_to_tf_function():
    def total(n):
        result = 0
        for i in tf.range(n):
            result += i
        return result

    total.__module__ = "tf_keras.engine"
    assert tf.function(total)(tf.constant(4)).numpy() == 6
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        tf.function(lambda n: total(n))(tf.constant(4))


def test_an_update_that_is_not_grouped_gives_a_tuple():
    variable, extended = tf.Variable(1.0), tf.distribute.get_strategy().extended
    assert extended.update(variable, lambda v, x: x, args=(2.0,), group=False) == (2.0,)
    assert extended.update(variable, lambda v, x: None, args=(2.0,), group=False) == (None,)
    assert extended.update(variable, lambda v, x: x, args=(2.0,)) == 2.0
