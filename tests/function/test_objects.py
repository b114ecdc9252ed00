"""Objects of users' classes: as arguments of functions, and as the owners of methods that are functions."""

import dataclasses

import pytest

import penstock as tf

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
