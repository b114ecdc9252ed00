"""Options of saving: what stays out of the graph."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.saved_model import registration
from penstock._src.bridge.python.util.tf_stack import LoadTracesFromDebugInfo
from penstock._src.graph.serialize.exporter import graph_def
from penstock._src.proto.graph import GraphDebugInfo
from penstock._src.proto.saved import MetaGraphDef, SavedModel
from penstock._src.saving.saved_model.save import export_meta_graph
from penstock._src.saving.saved_model.writing import checked_graph


@tf.function(input_signature=[tf.TensorSpec([])])
def checked(x):
    tf.debugging.assert_positive(x)
    tf.print(x)
    return tf.debugging.check_numerics(x, "x") * 2.0


def test_debugging_operations_are_left_out_if_asked(tmp_path):
    root = tf.Module()
    root.checked = checked
    options = tf.saved_model.SaveOptions(experimental_debug_stripper=True)
    tf.saved_model.save(root, str(tmp_path / "m"), options=options)
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    assert loaded.checked(-1.0).numpy() == -2
    ops = {op.type for op in loaded.checked.concrete_functions[0].graph.get_operations()}
    assert not ops & {"Assert", "PrintV2", "CheckNumerics"}


def test_a_meta_graph_is_exported_alone(tmp_path):
    root = tf.Module()
    root.checked = checked
    export_meta_graph(root, str(tmp_path / "graph.pb"))
    meta = MetaGraphDef.FromString((tmp_path / "graph.pb").read_bytes())
    assert "serving_default" in meta.signature_def and meta.object_graph_def.nodes
    assert meta.meta_info_def.stripped_default_attrs
    assert "Mul" in [op.name for op in meta.meta_info_def.stripped_op_list.op]


def test_ops_of_other_namespaces_must_be_allowed():
    with tf.Graph().as_default() as graph:
        tf.constant(1)
    message = graph_def(graph)
    message.node[0].op = "Addons>Thing"
    checked_graph.check_namespaces(message, ["Addons"])
    checked_graph.check_namespaces(message, None)
    with pytest.raises(TypeError, match="list of strings"):
        tf.saved_model.SaveOptions(namespace_whitelist="Addons")
    with pytest.raises(ValueError, match=r"non-whitelisted.*Addons>Thing"):
        checked_graph.check_namespaces(message, [])


def test_functions_that_properties_make_are_asked_for_once(tmp_path):
    class Counting(tf.__internal__.tracking.AutoTrackable):
        asked = 0

        @property
        def made(self):
            Counting.asked += 1
            return tf.function(lambda: tf.constant(1.0), input_signature=[])

    tf.saved_model.save(Counting(), str(tmp_path))
    assert Counting.asked == 1


def test_classes_of_tensorflow_have_a_package_of_their_own():
    @registration.register_tf_serializable(name="tests.Thing")
    class Thing:
        pass

    assert registration.get_registered_class_name(Thing()) == "tf.tests.Thing"
    assert registration.registration._class_registry.name_lookup("tf.tests.Thing") is Thing


def module():
    made = tf.Module()
    made.v = tf.Variable(3.0)
    made.f = tf.function(lambda x: 2.0 * x, input_signature=[tf.TensorSpec([], tf.float32)])
    return made


def test_lines_of_source_are_saved_where_asked_for(tmp_path):
    options = tf.saved_model.SaveOptions(save_debug_info=True)
    tf.saved_model.save(module(), tmp_path, options=options)
    data = (tmp_path / "debug" / "saved_model_debug_info.pb").read_bytes()
    traces = LoadTracesFromDebugInfo(GraphDebugInfo.FromString(data))
    (stack,) = [stack for name, stack in traces.items() if name.startswith("mul@")]
    assert stack[-1].filename == __file__


def test_devices_of_variables_are_saved_where_asked_for(tmp_path):
    policy = tf.saved_model.experimental.VariablePolicy.SAVE_VARIABLE_DEVICES
    options = tf.saved_model.SaveOptions(experimental_variable_policy=policy)
    for name, given in (("with", options), ("without", None)):
        tf.saved_model.save(module(), tmp_path / name, options=given)
        data = (tmp_path / name / "saved_model.pb").read_bytes()
        nodes = SavedModel.FromString(data).meta_graphs[0].graph_def.node
        (device,) = [node.device for node in nodes if node.op == "VarHandleOp"]
        assert device.endswith("device:CPU:0") if name == "with" else not device


def test_policies_by_name():
    policy = tf.saved_model.experimental.VariablePolicy
    for given in (policy.SAVE_VARIABLE_DEVICES, "save_variable_devices", "SAVE_VARIABLE_DEVICES"):
        assert policy.from_obj(given) is policy.SAVE_VARIABLE_DEVICES
    assert policy.from_obj(None) is policy.NONE
    with pytest.raises(ValueError, match="invalid VariablePolicy value: 5"):
        policy.from_obj(5)


def test_assets_that_are_not_there_are_saved_by_name(tmp_path):
    module = tf.Module()
    module.asset = tf.saved_model.Asset(str(tmp_path / "missing.txt"))
    tf.saved_model.save(module, str(tmp_path / "m"))
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    assert loaded.asset.asset_path.numpy().endswith(b"/assets/missing.txt")


def test_signatures_that_return_nothing_are_refused(tmp_path):
    spec = tf.TensorSpec([], tf.float32)
    module = tf.Module()
    module.f = tf.function(lambda x: None, input_signature=[spec])
    with pytest.raises(ValueError, match="Got a non-Tensor value None for key 'output_0'"):
        tf.saved_model.save(module, str(tmp_path / "a"), signatures=module.f)
    tf.saved_model.save(module, str(tmp_path / "b"))


def test_numpy_scalars_have_no_encoding():
    from penstock._src.function.structured_values import NotEncodableError, encode

    with pytest.raises(NotEncodableError, match="No encoder for object"):
        encode(np.float32(3))


def test_only_functions_have_aliases(tmp_path):
    options = tf.saved_model.SaveOptions(function_aliases={"alias": 5})
    with pytest.raises(TypeError, match="Functions in `function_aliases` should be created by"):
        tf.saved_model.save(tf.Module(), str(tmp_path), options=options)
