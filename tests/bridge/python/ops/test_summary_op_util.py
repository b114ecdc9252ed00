"""Tags, scopes and collections of TensorFlow 1's summaries, as TensorFlow 2.21 gives them."""

import penstock as tf
from penstock._src.bridge.python.ops.summary_op_util import clean_tag, collect, summary_scope


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
