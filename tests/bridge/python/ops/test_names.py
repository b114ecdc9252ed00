"""Single private names below tensorflow.python.ops and training."""

import numpy as np

import penstock as tf
from penstock._src.api.config import build
from penstock._src.bridge.python.ops import gradients_util, nn_ops, template
from penstock._src.bridge.python.ops.summary_op_util import clean_tag, collect, summary_scope
from penstock._src.bridge.python.training import optimizer


def test_gradients_may_look_through_each_output_of_identity_n_alone():
    with tf.Graph().as_default():
        a, b = tf.constant(1.0), tf.constant(2.0)
        c, _ = tf.identity_n([a, b])
        assert gradients_util._GradientsHelper(c, [a, b])[1] is not None
        found = gradients_util._GradientsHelper(c, [a, b], optimize_identity_n=True)
        assert found[0] is not None and found[1] is None


def test_convolutions_as_objects_take_several_axes_of_a_batch():
    x = tf.random.stateless_uniform([2, 3, 6, 6, 2], [1, 2])
    kernel = tf.random.stateless_uniform([3, 3, 2, 4], [3, 4])
    made = nn_ops.Convolution(x.shape, kernel.shape, "SAME", strides=2)
    assert (made.num_batch_dims, made.num_spatial_dims) == (2, 2)
    each = [tf.nn.conv2d(part, kernel, 2, "SAME") for part in tf.unstack(x)]
    np.testing.assert_allclose(made(x, kernel), tf.stack(each), rtol=1e-6)


def test_small_helpers():
    assert template._skip_common_stack_elements(["a", "b", "c"], ["a", "d"]) == ["b", "c"]
    assert template._skip_common_stack_elements(["a", "b"], ["a", "b"]) == ["b"]
    keep = optimizer.get_filtered_grad_fn(lambda x: [(x, "v"), (None, "w")])
    assert keep(1) == [(1, "v")]
    assert build.is_tensorrt_enabled() is build.get_build_info()["is_tensorrt_build"] is False
    assert build.get_linked_tensorrt_version() == (0, 0, 0)


def test_values_are_added_to_the_named_collections_or_to_the_default_ones():
    with tf.Graph().as_default() as graph:
        collect(1, None, ["a"])
        collect(2, ["b", "c"], ["a"])
        collect(3, [], ["a"])
        assert [graph.get_collection(name) for name in "abc"] == [[1], [2], [2]]


def test_tags_have_no_other_characters():
    assert [clean_tag(name) for name in ("a b/:c", "/x", None)] == ["a_b/_c", "x", None]


def test_scopes_hold_the_family_and_are_unique():
    with tf.Graph().as_default(), tf.name_scope("n"):
        with summary_scope("nm", "fam") as pair:
            assert pair == ("fam/n/fam/nm", "n/fam/nm/")
        with summary_scope("nm") as pair:
            assert pair == ("n/nm", "n/nm/")
        with summary_scope("nm") as pair:
            assert pair == ("n/nm_1", "n/nm_1/")
        with summary_scope(None, default_name="Dx") as pair:
            assert pair == ("n/Dx", "n/Dx/")
