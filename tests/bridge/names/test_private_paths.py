"""The private paths of TensorFlow that other packages import, each name bound to what it does here."""

import importlib
import inspect
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.linalg.operators.addition import add_operators
from penstock._src.bridge import tensorflow_alias
from penstock._src.bridge.internals import control_flow, conversion, hooks, ops, tracking
from penstock._src.bridge.names import private_modules, python_paths
from penstock._src.bridge.python.debug.wrappers.hooks import DumpingDebugHook
from penstock._src.bridge.python.util import tf_decorator, tf_inspect
from penstock._src.core.errors import UnimplementedError
from penstock._src.eager.variable_spec import VariableSpec

# What packages import, by path: keras, tensorboard, tf_keras, tensorflow-hub, -probability, tensorflowjs, tf2onnx, coremltools, neural-compressor.
IMPORTED = {
    "core.framework.kernel_def_pb2": "KernelDef KernelList",
    "core.protobuf.device_properties_pb2": "NamedDevice",
    "lite.python.convert": "ConverterError",
    "lite.python.convert_saved_model": "get_inputs_outputs get_meta_graph_def get_signature_def",
    "lite.python.util": "get_grappler_config run_graph_optimizations",
    "python.autograph.pyct.transformer": "Base",
    "python.distribute.input_lib": "DistributedDataset",
    "python.data.ops.from_tensor_slices_op": "_TensorSliceDataset",
    "python.data.util.structure": "NoneTensor",
    "python.debug.lib.debug_events_reader": "DebugDataReader",
    "python.debug.wrappers.hooks": "DumpingDebugHook LocalCLIDebugHook",
    "python.debug.wrappers.local_cli_wrapper": "LocalCLIDebugWrapperSession",
    "python.framework.convert_to_constants": "convert_variables_to_constants_v2",
    "python.framework.function_def_to_graph": "function_def_to_graph",
    "python.framework.ops": "numpy_text",
    "python.framework.tensor_util": "TensorShapeProtoToList",
    "python.framework.tensor_spec": "BoundedTensorSpec DenseSpec TensorSpec",
    "python.framework.type_spec": "BatchableTypeSpec type_spec_from_value",
    "python.framework.type_spec_registry": "_NAME_TO_TYPE_SPEC get_name register",
    "python.grappler.tf_optimizer": "OptimizeGraph",
    "python.keras.saving.saving_utils": "model_input_signature trace_model_call",
    "python.module.module": "camel_to_snake",
    "python.ops.control_flow_case": "_case_helper",
    "python.ops.control_flow_util": "ENABLE_CONTROL_FLOW_V2 GraphOrParentsInXlaContext",
    "python.ops.init_ops_v2": "glorot_normal glorot_uniform",
    "python.ops.linalg.linear_operator": "make_composite_tensor",
    "python.ops.lookup_ops": "InitializableLookupTableBase LookupInterface",
    "python.ops.parallel_for.control_flow_ops": "pfor",
    "python.trackable.resource": "RestoredResource",
    "python.ops.resource_variable_ops": "VariableSpec",
    "python.saved_model.nested_structure_coder": "decode_proto",
    "python.summary.summary": "scalar",
    "python.tools.saved_model_utils": "get_meta_graph_def",
    "python.util._pywrap_util_port": "IsMklEnabled",
    "python.util.nest_util": "CustomNestProtocol",
    "python.util.nest": "_is_attrs _is_namedtuple _sequence_like _yield_value map_structure_up_to",
    "python.util.tf_inspect": "_inspect getframeinfo getfullargspec isframe",
    "python.util.variable_utils": "convert_variables_to_tensors",
    "tools.docs.doc_controls": "do_not_generate_docs",
}


@pytest.mark.parametrize("path", IMPORTED)
def test_names_are_bound(path):
    module = private_modules.build(path, f"tensorflow.{path}")
    for name in IMPORTED[path].split():
        assert getattr(module, name) is not None


# Public symbols that Penstock does not have: TPUs, and parameter servers and quantization of TensorFlow 1.
ABSENT = {
    "tf.__internal__.test.ParameterizedBenchmark",
    "tf.__internal__.types.data.Dataset",
    "tf.compat.v1.__internal__.types.data.Dataset",
    "tf.enable_v2_behavior",
}


def test_targets_in_the_table_exist():
    missing = {
        target
        for path in python_paths.public_names()
        for target in private_modules._public_names(path).values()
        if target != "raw" and not exists(target)
    }
    assert missing == ABSENT


def exists(target):
    try:
        return private_modules._target(target) is not None or target.endswith(".newaxis")
    except AttributeError:
        return False


@pytest.mark.parametrize(
    "path, target",
    {
        "array_ops.where": "compat.v1.where",
        "array_ops.where_v2": "where",
        "array_ops.placeholder": "compat.v1.placeholder",
        "while_loop.while_loop": "compat.v1.while_loop",
        "cond.cond": "compat.v1.cond",
        "math_ops.reduce_sum": "reduce_sum",
        "math_ops.reduce_sum_v1": "compat.v1.reduce_sum",
    }.items(),
)
def test_a_private_name_is_tensorflows_version_of_it(path, target):
    module, name = path.split(".")
    found = getattr(private_modules.build(f"python.ops.{module}", module), name)
    assert found is private_modules._target("tf." + target)


def test_raw_operations_are_called_by_position():
    math = private_modules.build("python.ops.gen_math_ops", "gen_math_ops")
    product = math.batch_mat_mul_v2(tf.ones([1, 2, 3]), tf.ones([1, 2, 3]), False, True)
    assert product.shape == [1, 2, 2]


def test_modules_are_attributes_of_those_that_import_them(stand_in):
    arrays = private_modules.build("python.ops.array_ops", "tensorflow.python.ops.array_ops")
    assert arrays.gen_array_ops.identity(3).numpy() == 3
    assert arrays.dtypes.float32 is tf.float32


@pytest.fixture
def stand_in():
    tensorflow_alias.install()


def test_a_name_without_counterpart_says_so():
    module = private_modules.build("python.ops.array_ops", "tensorflow.python.ops.array_ops")
    with pytest.raises(AttributeError, match="array_ops.*'NEW_AXIS'.*no counterpart"):
        _ = module.NEW_AXIS


def offered(path):
    """The names in the modules of ours for a private path."""
    own = private_modules._own_module(path)
    names = set(dir(own)) if own is not None else set()
    for source in python_paths.PATHS.get(path, "").split():
        names |= (
            {source.partition("=")[0]}
            if "=" in source
            else set(dir(private_modules._target(source)))
        )
    return {name for name in names if not name.startswith("__")}


@pytest.mark.parametrize(
    "path",
    [
        "python.autograph.core.converter",
        "python.framework.func_graph",
        "python.framework.ops",
        "python.framework.tensor_spec",
        "python.ops.control_flow_util",
        "python.ops.resource_variable_ops",
        "python.trackable.base",
        "python.util.nest",
    ],
)
def test_a_name_that_tensorflow_lacks_is_missing(path, stand_in):
    module = importlib.import_module(f"tensorflow.{path}")
    lacking = offered(path) - python_paths.all_names()[path]
    assert lacking
    modules = {name for name in lacking if private_modules.is_known(f"{path}.{name}")}
    assert {name for name in lacking if hasattr(module, name)} == modules
    assert not set(dir(module)) & lacking - modules - set(vars(module))


def test_every_module_of_ours_at_a_private_path_is_one_of_tensorflows(stand_in):
    unknown = {path for path in python_paths.PATHS if not private_modules.is_known(path)}
    assert unknown == set()
    for path in ("python.training.tracking.base", "python.tools.audit", "python.keras.no_such"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"tensorflow.{path}")


def test_a_path_as_a_program_imports_it():
    code = (
        "import penstock; penstock.install_as_tensorflow()\n"
        "from tensorflow.python.framework import convert_to_constants\n"
        "import tensorflow.compat.v1.logging as logging\n"
        "from tensorflow.tools.docs import doc_controls\n"
        "logging.set_verbosity(logging.ERROR); print(logging.get_verbosity())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["40"]


def test_variables_have_a_type():
    variable = tf.Variable([1.0, 2.0])
    spec = tf.type_spec_from_value(variable)
    assert spec == VariableSpec([2]) and spec.is_compatible_with(variable)
    assert not spec.is_compatible_with(tf.constant([1.0, 2.0]))
    (value, rest) = ops.convert_variables_to_tensors([variable, (3, variable)])
    assert value.numpy().tolist() == [1.0, 2.0] and rest[0] == 3


def test_weights_are_broadcast_or_refused():
    broadcast_weights = tf.__internal__.ops.broadcast_weights
    assert broadcast_weights([[1.0], [2.0]], tf.ones([2, 3])).numpy().tolist() == [
        [1.0] * 3,
        [2.0] * 3,
    ]
    with pytest.raises(ValueError, match="can not be broadcast"):
        broadcast_weights([1.0, 2.0], tf.ones([2, 3]))


def test_operators_add_up_to_the_simplest_kind():
    diagonal = tf.linalg.LinearOperatorDiag([1.0, 2.0])
    triangle = tf.linalg.LinearOperatorLowerTriangular([[1.0, 0.0], [5.0, 1.0]])
    one = tf.linalg.LinearOperatorIdentity(2)
    (total,) = add_operators([one, diagonal, triangle])
    assert isinstance(total, tf.linalg.LinearOperatorLowerTriangular)
    np.testing.assert_array_equal(total.to_dense(), [[3.0, 0.0], [5.0, 4.0]])
    (total,) = add_operators([one, diagonal])
    assert isinstance(total, tf.linalg.LinearOperatorDiag)


def test_a_vectorized_loop_and_cases():
    squares = control_flow.pfor(lambda i: i * i, 4)
    assert squares.numpy().tolist() == [0, 1, 4, 9]
    chosen = control_flow.case_helper(
        tf.cond, [(tf.constant(False), lambda: 1)], lambda: 2, False, "case"
    )
    assert chosen == 2


def test_an_object_graph_is_walked_breadth_first():
    root, inner = tf.Module(), tf.Module()
    root.inner, inner.v = inner, tf.Variable(1.0)
    found, paths = tracking.ObjectGraphView(root).breadth_first_traversal()
    assert found == [root, inner, inner.v]
    assert [reference.name for reference in paths[inner.v]] == ["inner", "v"]


def test_options_of_a_load_are_known_inside_of_it():
    with hooks.load_context("options"):
        assert hooks.get_load_options() == "options"
    assert not hooks.in_load_context()


def test_decorators_are_found_again():
    def inner(a, b=2):
        return a + b

    outer = tf_decorator.make_decorator(inner, lambda *args: inner(*args) * 2, "doubled")
    (noted,), found = tf_decorator.unwrap(outer)
    assert found is inner and noted.decorator_name == "doubled" and outer(1) == 6
    assert tf_inspect.getfullargspec(outer).args == ["a", "b"]


def test_definitions_of_ops_by_name():
    known = conversion.ApiDefMap()
    assert "MatMul" in known.op_names()
    assert known.get_op_def("MatMul").output_arg[0].name == "product"
    with pytest.raises(ValueError, match="No op_def found"):
        known.get_op_def("NoSuchOp")


def test_modules_of_ours_do_not_hide_private_modules(stand_in):
    import penstock._src.bridge.python.framework.ops  # noqa: F401  # an attribute of its package from now on

    framework = importlib.import_module("tensorflow.python.framework")
    assert framework.ops.enable_eager_execution is tf.compat.v1.enable_eager_execution


def test_replaced_classes_reach_those_that_make_instances(tmp_path):
    writer = private_modules.build(
        "python.summary.writer.writer", "tensorflow.python.summary.writer.writer"
    )
    original = writer.FileWriter
    writer.FileWriter = lambda folder, graph: ("replaced", folder)
    cache = tf.compat.v1.summary.FileWriterCache
    assert cache.get(str(tmp_path)) == ("replaced", str(tmp_path))
    del cache._writers[str(tmp_path)]
    writer.FileWriter = original
    with tf.Graph().as_default():
        assert isinstance(cache.get(str(tmp_path)), original)
    cache.clear()


def test_signatures_of_loaded_models_are_wrapper_functions(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path), module.f.get_concrete_function())
    load = private_modules.build("python.saved_model.load", "load")
    signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    assert isinstance(signature, load._WrapperFunction)


@pytest.mark.parametrize(
    "path, name, home",
    [
        (
            "python.summary.writer.writer",
            "EventFileWriter",
            "python.summary.writer.event_file_writer",
        ),
        ("python.ops.lookup_ops", "BaseSaverBuilder", "python.training.saver"),
        ("python.ops.gen_math_ops", "deprecated_endpoints", "python.util.deprecation"),
        ("python.ops.ragged.ragged_factory_ops", "np_reshape", "python.util.numpy_compat"),
    ],
)
def test_names_are_found_where_tensorflows_modules_import_them(path, name, home):
    module = importlib.import_module(f"tensorflow.{path}")
    assert getattr(module, name) is getattr(importlib.import_module(f"tensorflow.{home}"), name)


def test_what_no_module_has_is_missing_with_imports_too():
    writer = importlib.import_module("tensorflow.python.summary.writer.writer")
    generated = importlib.import_module("tensorflow.python.ops.gen_math_ops")
    for module in (writer, generated):
        with pytest.raises(AttributeError, match="no counterpart"):
            getattr(module, "Annotated" if module is generated else "EventFileWriterV2")


def test_constants_are_evaluated_through_any_ops():
    """Unlike tf.get_static_value, which TensorFlow limits to the ops of shapes."""
    util = importlib.import_module("tensorflow.python.framework.tensor_util")
    with tf.Graph().as_default():
        axis = tf.constant(-2)
        positive = tf.where(axis < 0, axis + 3, axis)
        assert tf.get_static_value(positive) is None
        assert util.try_evaluate_constant(positive) == 1
        assert util.try_evaluate_constant(tf.random.uniform([])) is None


@pytest.mark.parametrize("path", ["python.framework.ops", "core.framework.graph_pb2"])
def test_modules_are_pickled_by_their_names(stand_in, path):
    module = importlib.import_module(f"tensorflow.{path}")
    assert pickle.loads(pickle.dumps(module)) is module


def test_inspecting_all_modules_does_not_load_them(monkeypatch):
    name, path = "tensorflow.python.autograph.impl.api", "python.autograph.impl.api"
    module = private_modules.PrivateModule(name, path)
    load = private_modules._own_module
    refuse = lambda asked: pytest.fail(asked) if asked == path else load(asked)  # noqa: E731
    monkeypatch.setattr(private_modules, "_own_module", refuse)
    monkeypatch.setitem(sys.modules, name, module)
    assert not hasattr(module, "__wrapped__")
    inspect.getmodule(sys._getframe(), "no file")


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("python", "bridge/python/__init__.py"),
        ("python.ops.array_ops", "bridge/python/ops/array_ops.py"),
        ("python.ops.gen_array_ops", "bridge/names/private_modules.py"),
    ],
)
def test_modules_have_the_file_that_has_their_names(stand_in, path, end):
    module = importlib.import_module(f"tensorflow.{path}")
    assert pathlib.Path(module.__file__).as_posix().endswith(end)
    assert pathlib.Path(inspect.getfile(module)).is_file()


def test_some_names_that_look_like_pythons_own_are_those_of_modules_here():
    versions, origins = (
        private_modules.build(f"python.framework.{name}", f"tensorflow.python.framework.{name}")
        for name in ("versions", "error_interpolation")
    )
    assert versions.__version__ and versions.__cxx11_abi_flag__ in (0, 1)
    assert origins.__file__.endswith("error_interpolation.py")


def test_debuggers_of_sessions_say_that_there_are_none():
    with pytest.raises(UnimplementedError, match="DumpingDebugHook"):
        DumpingDebugHook("/tmp/dumps")
