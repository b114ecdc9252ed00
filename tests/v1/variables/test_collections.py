"""Collections that graphs of v1 fill by themselves."""

import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.mark.parametrize("use_resource", [True, False])
def test_variables_of_chosen_collections_are_trained(use_resource):
    with tf.Graph().as_default():
        local = v1.Variable(1.0, collections=["local_variables"], use_resource=use_resource)
        v1.get_local_variable("untrained", [1])
        tf.io.match_filenames_once("/none")
        assert v1.trainable_variables() == [local] and v1.global_variables() == []


def test_steps_of_optimizers_are_found_in_a_read_graph():
    with tf.Graph().as_default():
        loss = v1.get_variable("w", []) ** 2
        step = v1.train.get_or_create_global_step()
        v1.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step, name="descend")
        v1.train.AdamOptimizer().minimize(loss, name="adam")
        saved = v1.train.export_meta_graph()
    with tf.Graph().as_default():
        v1.train.import_meta_graph(saved)
        assert [op.name for op in v1.get_collection("train_op")] == ["descend", "adam"]


def test_iterators_are_collected():
    with tf.Graph().as_default():
        v1.data.make_one_shot_iterator(tf.data.Dataset.range(2))
        v1.data.make_initializable_iterator(tf.data.Dataset.range(2))
        types = [made.op.type for made in v1.get_collection("iterators")]
        assert types == ["OneShotIterator", "IteratorV2"]


def test_defaults_of_placeholders_are_named_after_them():
    with tf.Graph().as_default():
        assert v1.placeholder_with_default(1.0, [], "keep").op.inputs[0].name == "keep/input:0"
