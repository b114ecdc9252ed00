"""Arguments that are equal as keys of a dictionary, but not alike: a trace serves those that it is right for."""

import math

import pytest

import penstock as tf

pytestmark = pytest.mark.usefixtures("new_objects_only")


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
