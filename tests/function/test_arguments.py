"""Arguments of functions: variables are inputs of a trace, which serves every one of the same type; objects belong to a trace."""

import dataclasses
import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.eager.variable_spec import VariableSpec


def cube(x):
    return x * x * x


def test_a_trace_serves_other_variables_of_the_same_type():
    double = tf.function(lambda x: x + x)
    assert float(double(tf.Variable(1.0))) == 2.0
    assert float(double(tf.Variable(4.0))) == 8.0
    assert double.experimental_get_tracing_count() == 1
    double(tf.Variable([1.0]))
    double(tf.Variable(1.0, trainable=False))
    double(tf.Variable(1))
    double(tf.constant(1.0))
    assert double.experimental_get_tracing_count() == 5


def test_another_variable_needs_no_other_program():
    double = tf.function(lambda x: x * 2.0)
    first, second = tf.Variable([1.0]), tf.Variable([2.0])
    double(first), double(second)
    executable = double.get_concrete_function(first).graph_function.executable
    assert len(list(executable.specializations())) == 1


def test_the_same_variable_twice_has_a_trace_of_its_own():
    @tf.function
    def grow(x, y):
        x.assign_add(1.0)
        return x + y

    a, b, c = tf.Variable(1.0), tf.Variable(10.0), tf.Variable(20.0)
    assert float(grow(a, b)) == 12.0
    assert float(grow(a, a)) == 6.0
    assert float(grow(c, c)) == 42.0
    assert float(grow(b, c)) == 32.0
    assert grow.experimental_get_tracing_count() == 2


def test_assignments_change_the_variable_that_was_passed():
    @tf.function
    def swap(x, y):
        before = x.read_value()
        x.assign(y)
        y.assign(before)

    a, b, c = tf.Variable(1.0), tf.Variable(2.0), tf.Variable(3.0)
    swap(a, b)
    swap(b, c)
    assert (float(a), float(b), float(c)) == (2.0, 3.0, 1.0)


def test_variables_in_structures_are_inputs():
    total = tf.function(lambda pair, named: tf.add_n([*pair, named["x"]]))
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    assert float(total([a, b], {"x": a})) == 4.0
    assert float(total([b, a], {"x": b})) == 5.0
    assert float(total([a, b], {"x": b})) == 5.0
    assert total.experimental_get_tracing_count() == 2
    assert len(total.get_concrete_function([a, b], {"x": a}).inputs) == 2


def test_variables_in_composite_objects_are_inputs():
    apply = tf.function(lambda operator: operator.matvec([1.0, 1.0]))
    first, second = [
        tf.linalg.LinearOperatorDiag(tf.Variable(diagonal)) for diagonal in ([1.0, 2.0], [3.0, 4.0])
    ]
    np.testing.assert_array_equal(apply(first), [1.0, 2.0])
    np.testing.assert_array_equal(apply(second), [3.0, 4.0])
    assert apply.experimental_get_tracing_count() == 1


def test_gradients_flow_to_the_variable_that_was_passed():
    function = tf.function(cube)
    for value in (2.0, 3.0):
        variable = tf.Variable(value)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                result = function(variable)
            slope = tape.gradient(result, variable)
        assert tape.watched_variables() == (variable,)
        assert float(slope) == 3 * value**2
        assert float(outer.gradient(slope, variable)) == 6 * value
    assert function.experimental_get_tracing_count() == 1


def test_gradients_inside_a_function_are_of_its_arguments():
    @tf.function
    def slopes(x, y):
        with tf.GradientTape() as tape:
            result = tf.function(cube)(x) * y
        return tape.gradient(result, [x, y])

    a, b = tf.Variable(2.0), tf.Variable(3.0)
    assert [float(s) for s in slopes(a, b)] == [36.0, 8.0]
    assert [float(s) for s in slopes(b, a)] == [54.0, 27.0]


def test_a_custom_gradient_reads_the_variable_that_was_passed():
    a, b = tf.Variable(3.0), tf.Variable(5.0)

    @tf.custom_gradient
    def scaled(x):
        return x * a, lambda dy, variables=None: (dy * a, [dy * x])

    function = tf.function(lambda variable, x: scaled(x))
    found = []
    for variable in (a, b):
        x = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(variable, x)
        found.append((float(y), float(tape.gradient(y, x))))
    assert found == [(6.0, 3.0), (10.0, 5.0)]


def test_loops_and_branches_read_the_variable_that_was_passed():
    @tf.function
    def run(x, n):
        for i in tf.range(n):
            if i % 2 == 0:
                x.assign_add(1.0)
            else:
                x.assign(x * 2.0)
        return x.read_value()

    assert float(run(tf.Variable(3.0), tf.constant(3))) == 9.0
    assert float(run(tf.Variable(5.0), tf.constant(4))) == 26.0
    assert run.experimental_get_tracing_count() == 1


def test_a_function_passes_its_argument_on():
    inner = tf.function(lambda x: x.assign_add(1.0))
    outer = tf.function(lambda x: inner(x) * 10.0)
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    assert (float(outer(a)), float(outer(b)), float(inner(a))) == (20.0, 30.0, 3.0)
    assert inner.experimental_get_tracing_count() == 1


def test_the_traced_variable_may_be_gone():
    double = tf.function(lambda x: x * 2.0)
    double(tf.Variable(1.0))
    gc.collect()
    assert float(double(tf.Variable(3.0))) == 6.0
    assert double.experimental_get_tracing_count() == 1


def test_a_trace_says_what_its_variables_are():
    a, b = tf.Variable(1.0), tf.Variable([2.0])
    concrete = tf.function(lambda x, y, z: x + y + z).get_concrete_function(a, b, a)
    first, second = VariableSpec([], alias_id=0), VariableSpec([1], alias_id=1)
    assert concrete.structured_input_signature == ((first, second, first), {})
    assert [t.dtype for t in concrete.inputs] == [tf.resource, tf.resource]
    assert concrete.captured_inputs == [] and concrete.variables == ()
    assert concrete.function_type.parameters["z"].type_constraint == first


def test_a_trace_is_called_with_another_variable():
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    concrete = tf.function(lambda x: x * 2.0).get_concrete_function(a)
    assert float(concrete(b)) == float(concrete(x=b)) == float(concrete(b.handle)) == 4.0
    pair = tf.function(lambda x, y: x - y).get_concrete_function(a, b)
    assert (float(pair(b, a)), float(pair(b, b))) == (1.0, 0.0)
    with pytest.raises(TypeError, match="expected argument #0.* to be a variable"):
        concrete(1.0)


def test_a_spec_stands_for_a_variable():
    spec = VariableSpec([], alias_id=0)
    concrete = tf.function(lambda x, y: x * y).get_concrete_function(spec, spec)
    assert len(concrete.inputs) == 1
    three = tf.Variable(3.0)
    assert float(concrete(three, three)) == 9.0


def test_a_variable_under_a_strategy_is_captured():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        a, b = tf.Variable(1.0), tf.Variable(2.0)
    triple = tf.function(lambda x: x * 3.0)
    assert (float(triple(a)), float(triple(b))) == (3.0, 6.0)


def test_gradients_reach_variables_that_are_arguments_through_loops_and_by_tf_gradients():
    def repeated(v):
        body = lambda i, x: (i + 1, x + tf.reduce_sum(v * v))  # noqa: E731
        return tf.while_loop(lambda i, _: i < 2, body, [0, 0.0])[1]

    @tf.function
    def by_tape(v):
        with tf.GradientTape() as tape:
            y = repeated(v)
        return tape.gradient(y, v)

    by_gradients = tf.function(lambda v: tf.gradients(repeated(v), v)[0])
    for f in (by_tape, by_gradients):
        assert f(tf.Variable([1.0, 2.0])).numpy().tolist() == [4.0, 8.0]


def test_variables_of_one_call_are_passed_on():
    double = tf.function(lambda x: x * 2.0)

    @tf.function
    def outer(x):
        variable = tf.Variable(1.0, experimental_enable_variable_lifting=False)
        variable.assign_add(x)
        return double(variable)

    assert [float(outer(tf.constant(x))) for x in (1.0, 2.0)] == [4.0, 6.0]


ONE = tf.constant(1.0)


class Scale:
    """Objects of one name are equal, whatever their factors."""

    def __init__(self, name, factor):
        self.name, self.factor = name, factor

    def __eq__(self, other):
        return self.name == other.name

    def __hash__(self):
        return hash(self.name)

    @tf.function
    def times(self, x):
        return x * self.factor


@dataclasses.dataclass
class Unhashable:
    """Equal by content, and so without a hash."""

    factor: float

    @tf.function
    def times(self, x):
        return x * self.factor


@dataclasses.dataclass(frozen=True)
class Holder:
    """Its hash fails if its factors are a list."""

    factors: list


class Own(float):
    """A float of a class of its own."""


EQUAL = {
    "complex": (complex(1.0, 0.0), complex(1.0, -0.0)),
    "slices": (slice(0, 1), slice(False, 1)),
    "sets": (frozenset([0]), frozenset([0.0]), frozenset([-0.0])),
    "floats of a class": (Own(0.0), Own(-0.0)),
}


@pytest.mark.parametrize("values", EQUAL.values(), ids=EQUAL)
def test_equal_values_that_differ_have_traces_of_their_own(values):
    shown = tf.function(lambda value: tf.constant(repr(value)))
    assert [shown(value).numpy().decode() for value in values] == [repr(value) for value in values]


def test_equal_objects_have_methods_of_their_own():
    two, three = Scale("a", 2.0), Scale("a", 3.0)
    assert [float(scale.times(ONE)) for scale in (two, three, two)] == [2.0, 3.0, 2.0]


def test_a_method_of_an_object_without_a_hash_is_traced_once():
    scale = Unhashable(2.0)
    assert [float(scale.times(x)) for x in (ONE, ONE * 3.0)] == [2.0, 6.0]
    assert scale.times.experimental_get_tracing_count() == 1


def test_a_method_is_dropped_with_its_object():
    scale = Scale("a", 2.0)
    scale.times(ONE)
    held = Scale.__dict__["times"]._bound._held
    number = id(scale)
    assert number in held
    del scale
    assert number not in held


@pytest.mark.parametrize("value", [{1.0}, Unhashable(2.0), Holder([1.0]), {"a": [{1.0}]}], ids=repr)
def test_arguments_without_a_hash_are_refused(value):
    first = tf.function(lambda x, value: x)
    with pytest.raises(TypeError, match="Could not generate a generic TraceType"):
        first(ONE, value)


def test_captures_are_replaced():
    first, second, factor = tf.Variable([1.0, 2.0]), tf.Variable([10.0, 20.0]), tf.fill([2], 3.0)
    concrete = tf.function(lambda x: x * first + factor).get_concrete_function(tf.TensorSpec([2]))
    for _ in range(3):
        assert concrete(tf.ones([2])).numpy().tolist() == [4.0, 5.0]
    other = tf.fill([2], 4.0)
    others = {first.handle._id: second.handle, factor._id: other}
    concrete._captured_inputs = [others[t._id] for t in concrete.captured_inputs]
    assert concrete(tf.ones([2])).numpy().tolist() == [14.0, 24.0]
    concrete.set_external_captures(
        [t if t is other else first.handle for t in concrete.captured_inputs]
    )
    with tf.GradientTape() as tape:
        result = concrete(tf.ones([2]))
    assert result.numpy().tolist() == [5.0, 6.0]
    assert tape.gradient(result, first).numpy().tolist() == [1.0, 1.0]
