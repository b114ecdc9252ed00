"""SavedModels with objects of registered classes."""

import penstock as tf
from penstock._src.proto.saved import AssetFileDef
from penstock._src.saving import registered


@registered.register_serializable("of_this_test")
class Named(tf.Module):
    def __init__(self, name, v=None):
        super().__init__(name)
        self.v = tf.Variable(1.0) if v is None else v

    def _serialize_to_proto(self, object_proto=None, **kwargs):
        return AssetFileDef(filename=self.name)  # any message would do

    def _deserialization_dependencies(self, children):
        return {"v": children["v"]}

    @classmethod
    def _deserialize_from_proto(cls, proto, dependencies, **kwargs):
        message = AssetFileDef()
        assert proto.Unpack(message)
        return cls(message.filename, dependencies["v"])


def test_objects_of_registered_classes_come_back(tmp_path):
    model = tf.Module()
    model.part = Named("left")
    model.part.v.assign(5.0)
    for number in range(2):  # what was loaded can be saved again
        tf.saved_model.save(model, str(tmp_path / str(number)))
        model = tf.saved_model.load(str(tmp_path / str(number)))
    assert type(model.part) is Named
    assert (model.part.name, float(model.part.v)) == ("left", 5)


def test_sessions_restore_what_registered_savers_wrote(tmp_path):
    class Doubled(tf.__internal__.tracking.AutoTrackable):
        def __init__(self):
            self.v = tf.Variable([1.0, 2.0])

    def names_of(trackables):
        return [f"{name}/double" for name in trackables]

    def save(trackables, file_prefix):
        values = [held.v * 2.0 for held in trackables.values()]
        tf.raw_ops.SaveV2(
            prefix=file_prefix,
            tensor_names=names_of(trackables),
            shape_and_slices=[""] * len(values),
            tensors=values,
        )
        return file_prefix

    def restore(trackables, merged_prefix):
        names = names_of(trackables)
        read = tf.raw_ops.RestoreV2(
            prefix=merged_prefix,
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            dtypes=[tf.float32] * len(names),
        )
        for held, value in zip(trackables.values(), read, strict=True):
            held.v.assign(value / 2.0)

    def is_doubled(held):
        return isinstance(held, Doubled)

    registered.register_checkpoint_saver("tests", "doubled", is_doubled, save, restore)
    root = tf.Module()
    root.held = Doubled()
    root.serve = tf.function(lambda: root.held.v + 1.0, input_signature=[])
    tf.saved_model.save(root, str(tmp_path))
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.load(session, ["serve"], str(tmp_path), allow="write_files")
        output = meta.signature_def["serving_default"].outputs["output_0"].name
        assert session.run(output).tolist() == [2, 3]
        path = str(tmp_path / "again")
        session.run(meta.saver_def.save_tensor_name, {meta.saver_def.filename_tensor_name: path})
    assert tf.train.load_checkpoint(path).get_tensor("held/double").tolist() == [2, 4]


def test_a_saver_restores_what_was_written_before_it_was_registered(tmp_path):
    class Named(tf.__internal__.tracking.AutoTrackable):
        def _serialize_to_tensors(self):
            return {"name": tf.constant("before")}

    class Later(tf.__internal__.tracking.AutoTrackable):
        name = "after"

    def restore(trackables, merged_prefix):
        reader = tf.train.load_checkpoint(merged_prefix.numpy().decode())
        for key, held in trackables.items():
            held.name = reader.get_tensor(key)

    def is_later(held):
        return isinstance(held, Later)

    path = tf.train.Checkpoint(Named()).write(str(tmp_path / "ckpt"))
    registered.register_checkpoint_saver("tests", "later", is_later, lambda **_: None, restore)
    later = Later()
    tf.train.Checkpoint(later).read(path)
    assert later.name == b"before"


def test_an_object_may_be_saved_as_the_variable_in_it(tmp_path):
    class Wrapper(tf.__internal__.tracking.Trackable):
        _should_act_as_resource_variable = True

        def __init__(self, value):
            self.value = tf.Variable(value, name="inside")

        def _serialize_to_tensors(self):
            return self.value._serialize_to_tensors()

        def _restore_from_tensors(self, restored_tensors):
            return self.value._restore_from_tensors(restored_tensors)

        def _export_to_saved_model_graph(self, object_map, tensor_map, options, **kwargs):
            handles = self.value._export_to_saved_model_graph(object_map, tensor_map, options)
            copy = object.__new__(Wrapper)
            copy.value = object_map[self.value]
            object_map[self] = copy
            return handles

        def _write_object_proto(self, proto, options):
            self.value._write_object_proto(proto, options)

    root = tf.Module()
    root.v = Wrapper(7.0)
    tf.saved_model.save(root, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert isinstance(loaded.v, tf.Variable) and loaded.v.numpy() == 7
    assert loaded.v.name == "inside:0"
