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
