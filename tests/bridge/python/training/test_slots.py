"""Variables that hold state of other variables; expected names are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.bridge.python.training import slot_creator

v1 = tf.compat.v1


def values_of(slot):
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        return session.run(slot).tolist()


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_a_slot_is_named_after_its_variable(graph):
    variable = v1.get_variable("var", initializer=[1.0, 2.0])
    slot = slot_creator.create_slot(variable, tf.constant([3.0, 4.0]), name="slot")
    zeros = slot_creator.create_zeros_slot(variable, name="zeros", dtype=tf.float64)
    assert (slot.op.name, zeros.op.name) == ("var/slot", "var/zeros")
    assert zeros.dtype.base_dtype == tf.float64 and slot not in v1.trainable_variables()
    assert values_of(slot) == [3, 4] and values_of(zeros) == [0, 0]


def test_a_slot_of_unknown_size(graph):
    first = v1.placeholder_with_default([1.0, 2.0], [None])
    variable = v1.get_variable("var", initializer=first, validate_shape=False)
    slot = slot_creator.create_zeros_slot(variable, name="slot")
    assert slot.shape.as_list() == [None] and values_of(slot) == [0, 0]


def test_a_slot_of_a_part_knows_its_place_in_the_whole(graph):
    with v1.variable_scope("scope", partitioner=v1.fixed_size_partitioner(2)):
        variable = v1.get_variable("var", [4, 2], initializer=v1.zeros_initializer())
    for place, part in enumerate(variable):
        slot = slot_creator.create_zeros_slot(part, name="slot")
        info = slot._save_slice_info
        assert info.full_name == "scope/var/slot"
        assert (info.full_shape, info.var_offset) == ([4, 2], [2 * place, 0])
