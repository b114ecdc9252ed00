"""Registered identifiers of classes, and classes that make their children for SavedModels."""

import os

import penstock as tf
from penstock._src.proto.saved import SavedModel

tracking, loading = tf.__internal__.tracking, tf.__internal__.saved_model.load


class Counted(tracking.AutoTrackable):
    """Is saved under an identifier of its own."""


loading.register_revived_type(
    "tests.counted",
    lambda obj: isinstance(obj, Counted),
    versions=[
        loading.VersionedTypeRegistration(
            object_factory=lambda proto: Counted(),
            version=2,
            min_producer_version=1,
            min_consumer_version=1,
            setter=lambda obj, name, value: setattr(obj, f"my_{name}", value),
        )
    ],
)


def test_objects_of_registered_types_are_saved_and_loaded_as_such(tmp_path):
    root = tf.Module()
    root.counted = Counted()
    root.counted.v = tf.Variable(2.0)
    tf.saved_model.save(root, str(tmp_path))
    with open(os.path.join(tmp_path, "saved_model.pb"), "rb") as file:
        nodes = SavedModel.FromString(file.read()).meta_graphs[0].object_graph_def.nodes
    (message,) = (n.user_object for n in nodes if n.user_object.identifier == "tests.counted")
    assert message.version.producer == 2
    loaded = tf.saved_model.load(str(tmp_path))
    assert type(loaded.counted) is Counted and "my_v" in vars(loaded.counted)


class Layered(tracking.AutoTrackable):
    """Makes its children for a SavedModel once, in the cache that it is given."""

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "savedmodel":
            made = kwargs["cache"].setdefault(
                "made", tf.function(lambda: tf.constant(1.0), input_signature=[])
            )
            children["made"] = made
        return children


def test_children_that_are_made_for_a_saved_model(tmp_path):
    root = Layered()
    root.part = Layered()
    root.hidden = root._no_dependency({"v": tf.Variable(1.0)})
    root.tracked = tf.function(lambda: tf.constant(3.0), input_signature=[])
    root.part._track_trackable(tf.Variable(1.0), "v")
    root.part._delete_tracking("v")
    tf.saved_model.save(root, str(tmp_path), signatures={})
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.made is loaded.part.made and loaded.tracked().numpy() == 3
    assert not hasattr(loaded, "hidden") and not hasattr(loaded.part, "v")
    assert root._object_identifier == "_generic_user_object"
