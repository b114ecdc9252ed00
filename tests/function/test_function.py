"""tf.function: tracing, the choice of traces, calls, gradients through calls."""

import gc
import math
import weakref

import numpy as np
import pytest

import penstock as tf

pytestmark = pytest.mark.usefixtures("new_objects_only")


def test_traces_by_dtype_shape_and_python_value():
    traces = []

    @tf.function
    def f(x):
        traces.append(1)
        return x

    for value in [1, 2, 1, True, 1.0, "a", None, (1, 2), [1, 2], (1, 2)]:
        f(value)
    assert len(traces) == 8
    for tensor in [tf.constant(1), tf.constant(5), tf.constant([1]), tf.constant([1.0])]:
        f(tensor)
    assert len(traces) == 11


def test_keyword_and_positional_arguments_share_a_trace():
    @tf.function
    def f(x, y=2.0):
        return x * y

    one = tf.constant(1.0)
    assert f(one).numpy() == f(x=one, y=2.0).numpy() == f(one, 2.0).numpy() == 2.0
    assert f.experimental_get_tracing_count() == 1


def test_reduce_retracing_generalises_shapes():
    @tf.function(reduce_retracing=True)
    def f(x):
        return tf.reduce_sum(x)

    for n in range(1, 6):
        assert f(tf.ones([n])).numpy() == n
    assert f.experimental_get_tracing_count() == 2


def test_input_signature_converts_and_refuses():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return x * 2

    np.testing.assert_array_equal(f([1, 2]), [2, 4])
    np.testing.assert_array_equal(f(tf.constant([1.0, 2.0, 3.0])), [2, 4, 6])
    assert f.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match="Can not cast TensorSpec"):
        f(tf.constant([1, 2]))
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        f()


def test_variables_are_created_on_the_first_call_only():
    class Layer(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = None

        @tf.function
        def __call__(self, x):
            if self.w is None:
                self.w = tf.Variable(tf.ones([2]) * 3.0)
            return self.w * x

    layer = Layer()
    np.testing.assert_array_equal(layer(tf.constant(2.0)), [6, 6])
    np.testing.assert_array_equal(layer(tf.constant(1.0)), [3, 3])

    @tf.function
    def f():
        return tf.Variable(1.0) + 1.0

    with pytest.raises(
        ValueError, match="only supports singleton tf.Variables created on the first"
    ):
        f()


def test_the_trace_that_creates_variables_is_counted():
    made = []

    @tf.function
    def first(x):
        if not made:
            made.append(tf.Variable(2.0))
        return made[0] * x

    assert float(first(tf.constant(3.0))) == 6.0
    assert first.experimental_get_tracing_count() == 2


def test_variables_of_an_init_scope_are_created_on_the_first_call_only():
    made = {}

    @tf.function
    def scaled(x):
        if x.shape[0] not in made:
            with tf.init_scope():
                made[x.shape[0]] = tf.Variable(2.0)
        return made[x.shape[0]] * x

    assert scaled(tf.ones([1])).numpy().tolist() == [2.0]
    assert scaled.experimental_get_tracing_count() == 2
    with pytest.raises(ValueError, match="only supports singleton tf.Variables"):
        scaled(tf.ones([2]))


def test_effects_happen_in_the_order_of_the_program():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        before = v * 1.0
        v.assign_add(x)
        middle = v * 1.0
        v.assign(v * 2.0)
        return before, middle, v.read_value()

    assert [t.numpy() for t in f(tf.constant(2.0))] == [1.0, 3.0, 6.0]
    assert v.numpy() == 6.0


def test_structured_results_and_arguments():
    @tf.function
    def f(inputs, flag=None):
        return {
            "sum": inputs["a"] + inputs["b"][0],
            "rest": [None, 3, (inputs["a"],)],
            "flag": flag,
        }

    result = f({"a": tf.constant(1), "b": [tf.constant(2)]})
    assert result["sum"].numpy() == 3 and result["rest"][0] is None
    assert result["rest"][1].numpy() == 3 and result["rest"][2][0].numpy() == 1
    assert result["flag"] is None


def test_nested_functions_are_called():
    @tf.function
    def inner(x):
        return x * x

    @tf.function
    def outer(x):
        return inner(x) + inner(x + 1)

    assert outer(tf.constant(2.0)).numpy() == 13.0
    types = [op.type for op in outer.get_concrete_function(tf.constant(2.0)).graph.get_operations()]
    assert types.count("PartitionedCall") == 2


def test_gradients_of_any_order_flow_through_calls():
    @tf.function
    def cube(x):
        return x * x * x

    x = tf.constant(2.0)
    with tf.GradientTape() as third:
        third.watch(x)
        with tf.GradientTape() as second:
            second.watch(x)
            with tf.GradientTape() as first:
                first.watch(x)
                y = tf.function(lambda z: cube(z) + z)(x)
            dy = first.gradient(y, x)
        d2y = second.gradient(dy, x)
    assert (dy.numpy(), d2y.numpy(), third.gradient(d2y, x).numpy()) == (13.0, 12.0, 6.0)


def test_a_tape_inside_a_function():
    v = tf.Variable(3.0)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = v * v * x
        gradient = tape.gradient(loss, v)
        v.assign_sub(0.1 * gradient)
        return loss, gradient

    loss, gradient = step(tf.constant(2.0))
    assert (loss.numpy(), gradient.numpy()) == (18.0, 12.0)
    np.testing.assert_allclose(v.numpy(), 1.8)


def test_variables_read_by_a_function_are_watched():
    v = tf.Variable(3.0)
    f = tf.function(lambda x: v * x)
    with tf.GradientTape() as tape:
        y = f(tf.constant(2.0))
    assert tape.gradient(y, v).numpy() == 2.0


def test_listing_traces_makes_that_of_the_input_signature():
    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def f(x):
        return x

    assert len(f._list_all_concrete_functions()) == 1
    assert tf.function(lambda x: x)._list_all_concrete_functions() == []


def test_methods_of_any_number_of_tensors_have_input_signatures():
    class Pairs:
        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)]
        )
        def tuple_of(self, *tensors):
            return tensors

    pairs = Pairs()
    found = pairs.tuple_of(tf.constant([1.5]), tf.constant(2))
    assert [value.numpy().tolist() for value in found] == [[1.5], 2]


def test_methods_do_not_keep_their_instances_alive():
    class Model:
        @tf.function
        def double(self, x):
            return x * 2

    model = Model()
    assert model.double(tf.constant(2)).numpy() == 4
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


def test_leaked_tensors_are_refused():
    leaked = []

    @tf.function
    def f(x):
        leaked.append(x * 2)
        return x

    f(tf.constant(1.0))
    with pytest.raises(TypeError, match="out of scope"):
        leaked[0] + 1.0
    reader = tf.function(lambda: leaked[0] + 1.0)
    captured = reader.get_concrete_function()  # the call lacks the tensor, not the trace
    assert captured.graph.external_captures[0] is leaked[0]
    with pytest.raises(TypeError, match="out of scope"):
        reader()
    scaled = tf.function(lambda x: leaked[0] * x)
    with tf.GradientTape() as tape, pytest.raises(TypeError, match="out of scope"):
        tape.watch(x := tf.constant(2.0))
        scaled(x)

    @tf.function
    def loop(n):
        items = []
        for i in tf.range(n):
            items.append(i)
        return items

    with pytest.raises(tf.errors.InaccessibleTensorError):
        loop(tf.constant(3))


def test_arguments_must_not_be_changed():
    @tf.function
    def f(x, held):
        held["a"] = x
        return x

    with pytest.raises(ValueError, match="should not modify its Python input arguments.*: held"):
        f(tf.constant(1), {"a": 1})


def test_results_must_be_tensors():
    with pytest.raises(TypeError, match="found return value of type object"):
        tf.function(lambda: object())()


def test_concrete_functions():
    @tf.function
    def f(x, y=1, *, z=2.0):
        return {"a": x * z, "b": [x]}

    concrete = f.get_concrete_function(tf.TensorSpec([None], tf.float32))
    assert concrete.pretty_printed_signature(verbose=False) == (
        "(x: TensorSpec(shape=(None,), dtype=tf.float32, name=None), y: Literal[1], *, z: Literal[2.0]) -> "
        "Dict[['a', TensorSpec(shape=(None,), dtype=tf.float32, name=None)], ['b', "
        "List[TensorSpec(shape=(None,), dtype=tf.float32, name=None)]]]"
    )
    args, kwargs = concrete.structured_input_signature
    assert args == (tf.TensorSpec([None], tf.float32, name="x"), 1) and kwargs == {"z": 2.0}
    assert concrete(tf.constant([1.0]))["a"].numpy().tolist() == [2.0]
    assert concrete(x=tf.constant([1.0]))["b"][0].numpy().tolist() == [1.0]
    assert f(tf.constant([4.0, 5.0]))["a"].numpy().tolist() == [8.0, 10.0]
    assert f.experimental_get_tracing_count() == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected to be a float tensor"):
        concrete(tf.constant([1]))


def test_keyword_arguments_keep_their_names_in_any_order(tmp_path):
    class Difference(tf.Module):
        @tf.function
        def of(self, **values):
            return {"y": values["b"] - values["a"]}

    module, spec = Difference(), tf.TensorSpec([], tf.float32)
    concrete = module.of.get_concrete_function(b=spec, a=spec)
    assert concrete(a=tf.constant(1.0), b=tf.constant(5.0))["y"] == 4.0
    tf.saved_model.save(module, str(tmp_path), {"of": concrete})
    loaded = tf.saved_model.load(str(tmp_path)).signatures["of"]
    assert loaded(a=tf.constant(1.0), b=tf.constant(5.0))["y"] == 4.0


def test_functions_can_run_eagerly():
    seen = []

    @tf.function
    def f(x):
        seen.append(hasattr(x, "numpy") and tf.executing_eagerly())
        return x

    tf.config.run_functions_eagerly(True)
    try:
        f(tf.constant(1))
    finally:
        tf.config.run_functions_eagerly(False)
    assert seen == [True]


def test_custom_types_for_tracing():
    class Fruit:
        def __init__(self, kind, weight):
            self.kind, self.weight = kind, weight

        def __tf_tracing_type__(self, context):
            return FruitType(self.kind, self)

    class FruitType(tf.types.experimental.TraceType):
        def __init__(self, kind, value):
            self.kind, self.value = kind, value

        def is_subtype_of(self, other):
            return self == other

        def most_specific_common_supertype(self, others):
            return self if all(self == other for other in others) else None

        def placeholder_value(self, placeholder_context=None):
            return self.value

        def __hash__(self):
            return hash(self.kind)

        def __eq__(self, other):
            return type(other) is FruitType and self.kind == other.kind

    f = tf.function(lambda fruit: fruit.weight)
    f(Fruit("apple", 1)), f(Fruit("apple", 2)), f(Fruit("pear", 3))
    assert f.experimental_get_tracing_count() == 2


def test_composite_arguments_and_results():
    @tf.function
    def f(slices):
        return tf.IndexedSlices(slices.values * 2.0, slices.indices)

    result = f(tf.IndexedSlices(tf.constant([1.0]), tf.constant([3])))
    assert result.values.numpy() == [2.0] and result.indices.numpy() == [3]


def test_reduce_retracing_relaxes_iterators_and_composites():
    shapes = []

    @tf.function(reduce_retracing=True)
    def total(iterator, parts):
        batch = next(iterator)
        shapes.append((batch.shape.as_list(), parts["ragged"].shape.as_list()))
        return tf.reduce_sum(batch) + tf.reduce_sum(parts["ragged"])

    for size in (2, 3, 6):
        batches = iter(tf.data.Dataset.range(6).batch(size, drop_remainder=True))
        ragged = tf.RaggedTensor.from_row_lengths(tf.ones([size], tf.int64), [1] * size)
        assert total(batches, {"ragged": ragged}).numpy() == sum(range(size)) + size
    assert shapes == [([2], [2, None]), ([None], [None, None])]


def test_nested_and_plain_arguments_have_traces_of_their_own():
    seen = []

    @tf.function
    def total(parts):
        seen.append(type(parts))
        return parts[0] + parts[1]

    one, two = tf.constant(1.0), tf.constant(2.0)
    for _ in range(3):
        assert float(total([one, two])) == 3.0
        assert float(total((one, two))) == 3.0
        assert total([tf.constant([1.0, 2.0]), two]).shape == [2]
        assert float(total([one, 5.0])) == 6.0
    assert seen == [list, tuple, list, list]


def test_inputs_have_the_names_of_arguments():
    one = tf.constant(1.0)
    concrete = tf.function(lambda d, *more, **named: d["a"]).get_concrete_function(
        {"a": [one, one], "b": one}, one, [one, one], x=one, y={"p": one, "q": one}
    )
    names = ["d", "d_1", "d_2", "more_0", "more_1", "more_1_1", "x", "y", "y_1"]
    assert [t.op.name for t in concrete.inputs] == names


def test_a_trace_says_why_it_takes_arguments_in_no_way():
    spec = tf.TensorSpec([2])
    concrete = tf.function(lambda a, b: a + b).get_concrete_function(spec, 3.0)
    with pytest.raises(
        TypeError, match=r"(?s)Can not cast 4.0 to Literal\[3.0\].*Fallback to flat"
    ):
        concrete(tf.constant([1.0, 2.0]), 4.0)
    with pytest.raises(TypeError, match="argument #0.*to be a Tensor; got float"):
        concrete(1.0)


def test_calls_on_other_devices_share_a_trace():
    double = tf.function(lambda x: x * 2.0)
    for name in ("cpu:0", "cpu:1", None):
        with tf.device(name):
            double(tf.constant(1.0))
    assert double.experimental_get_tracing_count() == 1
    graph = double.get_concrete_function(tf.constant(1.0)).graph
    assert {op.device for op in graph.get_operations()} == {""}


def test_variables_made_in_a_function_are_on_the_device_of_its_call():
    made = []

    @tf.function
    def make():
        if not made:
            made.append(tf.Variable(1.0))
        return made[0] + 1.0

    with tf.Graph().as_default(), tf.device("/cpu:0"):
        make()
        assert made[0].device == "/device:CPU:0"


def test_a_trace_has_the_name_of_its_graph_function():
    @tf.function
    def add(x):
        return x + 1.0

    concrete = add.get_concrete_function(tf.constant(1.0))
    assert concrete.name.startswith(b"__inference_add_")
    assert concrete.name.decode() == concrete.function_def.signature.name


def test_a_graph_gets_the_functions_of_a_gradient_on_request():
    concrete = tf.function(lambda x: tf.sin(x) * x).get_concrete_function(tf.constant(1.0))
    with tf.Graph().as_default() as graph:
        concrete.add_to_graph()
        concrete.add_gradient_functions_to_graph()
        concrete.add_gradient_functions_to_graph()
    inference, forward, backward = graph.as_graph_def().library.function
    assert inference.signature.name == concrete.name.decode()
    assert forward.attr["backward_function_name"].s.decode() == backward.signature.name
    assert backward.attr["forward_function_name"].s.decode() == forward.signature.name
    assert forward.signature.name.startswith("__forward_")
    assert backward.signature.name.startswith("__inference___backward_")


def test_the_first_trace_is_known_once_there_is_one():
    function = tf.function(lambda x: x + 1)
    assert not hasattr(function, "_concrete_variable_creation_fn")
    function(tf.constant(1))
    function(tf.constant(1.0))
    [first] = function._concrete_variable_creation_fn.inputs
    assert first.dtype == tf.int32


@pytest.mark.parametrize("first", [0.0, -0.0])
def test_zeros_with_other_signs_have_traces_of_their_own(first):
    @tf.function
    def sign(x):
        return tf.math.reciprocal(tf.constant([x]))

    @tf.function
    def sign_in_keyword(*, x):
        return tf.math.reciprocal(tf.constant([x]))

    for value in (first, -first, first):
        expected = [math.copysign(math.inf, value)]
        assert sign(value).numpy().tolist() == expected
        assert sign_in_keyword(x=value).numpy().tolist() == expected
    assert sign.experimental_get_tracing_count() == 2


def test_the_order_of_keyword_arguments_is_sorted():
    @tf.function
    def weighted(**values):
        return sum(value * (at + 1.0) for at, value in enumerate(values.values()))

    a, b = tf.constant(2.0), tf.constant(3.0)
    assert float(weighted(b=b, a=a)) == float(weighted(a=a, b=b)) == 8.0
    assert float(weighted(b=4.0, a=1.0)) == float(weighted(a=1.0, b=4.0)) == 9.0
