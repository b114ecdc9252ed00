"""tf.functions as methods, of temporary and of composite objects; functions that call themselves; variables that begin with an argument."""

import copy
import gc
import weakref

import pytest

import penstock as tf

ONE = tf.constant(1.0)


class Model(tf.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor
        self.weight = None

    @tf.function
    def scaled(self, x):
        return x * self.factor

    @tf.function
    def weighted(self, x):
        if self.weight is None:
            self.weight = tf.Variable(self.factor)
        return x * self.weight

    @tf.function
    def __call__(self, x):
        return self.scaled(x) + 1.0


class Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    @tf.function
    def scaled(self, x):
        return x * self.factor


class Point(tf.experimental.ExtensionType):
    x: tf.Tensor
    factor: int = 3

    @tf.function
    def scaled(self):
        TRACES.append("scaled")
        return self.x * tf.cast(self.factor, tf.float32)

    @tf.function
    def added(self, y, times=2.0):
        TRACES.append("added")
        return self.x + y * times

    @tf.function
    def moved(self):
        return Point(self.x + 1.0)


class Pair(Point):
    y: tf.Tensor = 5.0

    @tf.function
    def scaled(self):
        return super().scaled() + self.y


TRACES = []


@pytest.fixture(autouse=True)
def no_traces():
    TRACES.clear()


def test_a_method_of_an_object_that_nothing_else_refers_to():
    assert Model(4.0).scaled(ONE).numpy() == 4.0
    assert Model(4.0).weighted(ONE).numpy() == 4.0
    assert Model(4.0)(ONE).numpy() == 5.0
    assert Slotted(4.0).scaled(ONE).numpy() == 4.0


def test_a_bound_method_keeps_its_object_alive_and_its_traces():
    method = Model(4.0).scaled
    gc.collect()
    assert [method(ONE).numpy(), method(ONE).numpy()] == [4.0, 4.0]
    assert method.experimental_get_tracing_count() == 1
    assert copy.copy(method)(ONE).numpy() == 4.0


def test_a_bound_method_is_one_object_with_the_traces_of_its_object():
    model = Model(4.0)
    model.scaled(ONE)
    model.scaled(ONE)
    model.scaled.label = "a"
    first = model.scaled
    assert model.scaled is first
    assert model.scaled.experimental_get_tracing_count() == 1
    assert model.scaled.label == "a"
    assert model.scaled is not Model(4.0).scaled


def test_objects_end_when_their_last_reference_does():
    left = []
    for number in range(5):
        model = Model(float(number))
        left.append(weakref.ref(model))
        model(ONE)
        model.weighted(ONE)
        model.scaled.get_concrete_function(ONE)(ONE)
        assert model.scaled.explain(ONE)
        del model
    assert [reference() for reference in left] == [None] * 5


def test_a_trace_outlives_its_object():
    model = Model(4.0)
    trace = model.scaled.get_concrete_function(tf.TensorSpec([], tf.float32))
    del model
    assert trace(ONE).numpy() == 4.0


def test_objects_of_an_extension_type_share_traces():
    results = [Point(tf.constant(float(n))).scaled().numpy() for n in range(50)]
    assert results == [3.0 * n for n in range(50)]
    assert len(TRACES) == 1
    assert [Point(ONE).added(ONE, k).numpy() for k in (2.0, 3.0, 2.0)] == [3.0, 4.0, 3.0]
    assert TRACES.count("added") == 2


def test_other_fields_and_shapes_of_an_extension_type_are_traced_apart():
    x = tf.ones([7])
    points = [Point(x), Point(x, 5), Point(tf.zeros([8])), Point(x), Point(x, 5)]
    assert [point.scaled().numpy().sum() for point in points] == [21.0, 35.0, 0.0, 21.0, 35.0]
    assert len(TRACES) == 3


def test_an_inherited_method_of_an_extension_type_calls_the_one_above():
    assert Pair(ONE).scaled().numpy() == 8.0


def test_a_method_of_an_extension_type_is_differentiated_and_nested():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Point(x).moved().scaled() * Point(x).added(x)
    assert tape.gradient(y, x).numpy() == 3 * 9 + 12 * 3
    nested = tf.function(lambda x: Point(x).moved().scaled())
    assert nested(x).numpy() == 12.0
    signature = Point.Spec(tf.TensorSpec([None]), factor=3)
    assert Point.scaled.get_concrete_function(signature)


def test_a_method_of_variables_is_traced_once():
    function = tf.function(lambda self, x: (TRACES.append("variable"), self.assign_add(x))[1])
    kind = type(tf.Variable(0.0))
    methods = [function.__get__(variable, kind) for variable in map(tf.Variable, (1.0, 2.0))]
    assert [method(ONE).numpy() for method in methods] == [2.0, 3.0]
    assert TRACES.count("variable") <= 2  # the first trace may create variables


def test_an_unknown_experimental_attribute_is_refused():
    with pytest.raises(ValueError, match="anything"):
        tf.function(lambda x: x, experimental_attributes={"anything": 1})


def factorial(n):
    return tf.constant(1) if n == 0 else n * factorial(n - 1)


def test_recursion():
    assert tf.function(factorial)(5).numpy() == 120

    def inner(n):
        return tf.constant(0) if n == 0 else n + inner(n - 1)

    assert tf.function(inner)(4).numpy() == 10


def test_a_variable_that_begins_with_an_argument():
    class Model:
        variable = None

        @tf.function
        def __call__(self, x):
            if self.variable is None:
                self.variable = tf.Variable(x * 2)
            return self.variable.assign_add(x)

    model, other = Model(), Model()
    assert [float(model(tf.constant(1.0))) for _ in range(2)] == [3, 4]
    assert float(other(tf.constant(4.0))) == 12
    assert model.variable.numpy() == 4


def test_updates_of_threads_all_count():
    import threading

    count = tf.Variable(0)
    step = tf.function(lambda: count.assign_add(1))
    step()

    def run():
        for _ in range(200):
            step()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.numpy() == 801
