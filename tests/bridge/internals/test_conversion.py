"""What OptimizeGraph makes of graphs: as on TensorFlow, for the optimizers that Penstock has."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.internals.conversion import (
    OptimizeGraph,
    convert_variables_to_constants_v2,
    get_grappler_config,
    get_tensor_name,
    get_tensors_from_tensor_names,
    get_tf_type_name,
    is_frozen_graph,
    run_graph_optimizations,
    set_tensor_shapes,
    trace_model_call,
)
from penstock._src.bridge.python.framework.dtypes import _TF_TO_NP

v1 = tf.compat.v1


def optimized(build, **options):
    with tf.Graph().as_default():
        v1.get_collection_ref("train_op").append(build())
        meta = v1.train.export_meta_graph()
    config = v1.ConfigProto()
    for name, value in options.items():
        setattr(config.graph_options.rewrite_options, name, value)
    return OptimizeGraph(config, meta)


def folded():
    return tf.reduce_sum(tf.range(4) * 2, name="y")


def test_what_follows_from_constants_is_one():
    (node,) = optimized(folded).node
    assert (node.name, node.op, tf.make_ndarray(node.attr["value"].tensor).item()) == (
        "y",
        "Const",
        12,
    )


def test_constants_stay_apart_where_they_are_not_to_be_folded():
    assert "Sum" in {node.op for node in optimized(folded, constant_folding=2).node}


@pytest.mark.parametrize(("toggle", "kind"), [(0, "Enter"), (2, "StatelessWhile")])
def test_loops_are_lowered_where_functions_are_optimized(toggle, kind):
    def build():
        return tf.while_loop(lambda i: i < v1.placeholder(tf.int32, []), lambda i: i + 1, [0])[0]

    assert kind in {node.op for node in optimized(build, function_optimization=toggle).node}


def frozen_product():
    v = tf.Variable([[2.0], [3.0]])

    @tf.function(input_signature=[tf.TensorSpec([1, 2], name="x")])
    def f(x):
        unused = tf.sin(x)
        return tf.add(x @ v, tf.reduce_sum(tf.range(4.0)), name="y"), unused

    return convert_variables_to_constants_v2(f.get_concrete_function(), lower_control_flow=False)


def test_graph_optimizations_of_tflite_keep_what_the_given_tensors_need():
    frozen = frozen_product()
    config = get_grappler_config(["constfold", "dependency"])
    graph_def = run_graph_optimizations(
        frozen.graph.as_graph_def(), frozen.inputs, frozen.outputs[:1], config, frozen.graph
    )
    ops = sorted(node.op for node in graph_def.node)
    assert ops == ["AddV2", "Const", "Const", "Identity", "MatMul", "Placeholder"]
    assert list(config.graph_options.rewrite_options.optimizers) == ["constfold", "dependency"]


def test_tensors_are_found_by_the_names_that_tflite_gives_them():
    graph = frozen_product().graph
    (x,) = get_tensors_from_tensor_names(graph, ["x"])
    assert (x.name, get_tensor_name(x), get_tf_type_name(x.dtype)) == ("x:0", "x", "tf.float32")
    with pytest.raises(ValueError, match="Invalid tensors 'nowhere' were found"):
        get_tensors_from_tensor_names(graph, ["x", "nowhere"])


def test_shapes_of_tensors_are_set_by_their_names():
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        set_tensor_shapes([x], {"x": [2, 3]})
        assert x.shape == [2, 3]
        with pytest.raises(ValueError, match="The shape of tensor 'x' cannot be changed"):
            set_tensor_shapes([x], {"x": [4, 3]})
        with pytest.raises(ValueError, match="Invalid tensor 'y'"):
            set_tensor_shapes([x], {"y": [4, 3]})
        with v1.Session() as session:
            assert is_frozen_graph(session)
            v1.get_variable("v", [])
            assert not is_frozen_graph(session)


def test_numpy_types_of_datatype_numbers_include_references():
    assert _TF_TO_NP[1] is _TF_TO_NP[101] is np.float32
    assert _TF_TO_NP[7] is object
    assert 20 not in _TF_TO_NP  # a resource has no type of NumPy's


@pytest.mark.filterwarnings("error:The structure of")
@pytest.mark.parametrize("named", [False, True])
def test_all_inputs_reach_the_model(named):
    a, b = (tf.keras.Input([3], name=name) for name in "ab")
    model = tf.keras.Model({"a": a, "b": b} if named else [a, b], a - b)
    a, b = tf.constant([[1.0, 2.0, 3.0]]), tf.ones([1, 3])
    (result,) = trace_model_call(model)({"a": a, "b": b} if named else [a, b]).values()
    assert result.numpy().tolist() == [[0.0, 1.0, 2.0]]
    if not named:
        specs = [tf.TensorSpec([None, 3], name=name) for name in "ab"]
        (result,) = trace_model_call(model, specs)(a, b).values()
        assert result.numpy().tolist() == [[0.0, 1.0, 2.0]]
