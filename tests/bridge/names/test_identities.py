"""TensorFlow's names of our classes: libraries dispatch on them, pickles and copies name them."""

import subprocess
import sys

from tests.harness.processes import lean

START = "import penstock; penstock.install_as_tensorflow()\nimport tensorflow as tf\n"

# What TensorFlow 2.21 says of `cls.__module__` and `cls.__qualname__`.
KNOWN = {
    "type(tf.constant(1.0))": "framework.ops EagerTensor",
    "tf.Tensor": "framework.tensor Tensor",
    "tf.Variable": "ops.variables Variable",
    "tf.compat.v1.Variable": "ops.variable_v1 VariableV1",
    "tf.Operation": "framework.ops Operation",
    "tf.Graph": "framework.ops Graph",
    "type(tf.function(abs).get_concrete_function(tf.constant(1.0)).graph)": (
        "framework.func_graph FuncGraph"
    ),
    "tf.TensorSpec": "framework.tensor TensorSpec",
    "tf.TensorShape": "framework.tensor_shape TensorShape",
    "type(tf.float32)": "framework.dtypes DType",
    "tf.RaggedTensor": "ops.ragged.ragged_tensor RaggedTensor",
    "tf.SparseTensor": "framework.sparse_tensor SparseTensor",
    "tf.IndexedSlices": "framework.indexed_slices IndexedSlices",
    "tf.GradientTape": "eager.backprop GradientTape",
    "type(tf.function(abs))": "eager.polymorphic_function.polymorphic_function Function",
    "tf.name_scope": "framework.ops name_scope_v2",
    "tf.errors.NotFoundError": "framework.errors_impl NotFoundError",
    "tf.Module": "module.module Module",
    "type(tf.Variable(1.0).assign(2.0))": "ops.resource_variable_ops _UnreadVariable",
    "type(tf.distribute.get_strategy())": (
        "distribute.distribute_lib _DefaultDistributionStrategy"
    ),
    "type(tf.distribute.get_replica_context())": (
        "distribute.distribute_lib _DefaultReplicaContext"
    ),
}


def run(code):
    """The output of `code` in a fresh interpreter."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=lean(program=code))
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_classes_have_tensorflows_names():
    shown = "\n".join(f"c = {text}; print(c.__module__, c.__qualname__)" for text in KNOWN)
    assert run(START + shown) == [f"tensorflow.python.{place}" for place in KNOWN.values()]


def test_classes_of_modules_that_are_loaded_later_are_renamed_then():
    code = START + (
        "import sys\n"
        "late = 'penstock._src.v1.training.optimizers'\n"
        "print(late in sys.modules)\n"
        "cls = tf.compat.v1.train.AdamOptimizer\n"
        "print(cls.__module__, type(sys.modules[late].__spec__.loader).__name__)\n"
        "print(type(tf.data.Dataset.range(3).map(abs)).__module__)"
    )
    assert run(code) == [
        "False",
        "tensorflow.python.training.adam SourceFileLoader",
        "tensorflow.python.data.ops.dataset_ops",
    ]


def test_penstock_alone_keeps_its_own_names():
    code = "import penstock as tf; print(type(tf.constant(1.)).__module__, tf.errors.OpError.__module__)"
    assert run(code) == ["penstock._src.eager.tensor penstock.errors"]


def test_every_name_leads_back_to_its_class():
    code = START + (
        "import importlib, typing\n"
        "from penstock._src.bridge.names import identities\n"
        "for ours, row in identities.table().items():\n"
        "    module = importlib.import_module(ours)\n"
        "    for name, (place, known) in row.items():\n"
        "        cls = getattr(module, name)\n"
        "        if getattr(importlib.import_module(place), known) is not cls: print(cls)\n"
    )
    assert run(code) == []


def test_values_and_classes_are_pickled_and_copied_by_these_names():
    code = START + (
        "import copy, pickle, cloudpickle\n"
        "values = [tf.constant([1.]), tf.Variable(2.), tf.TensorShape([1, None]), tf.TensorSpec([1]), tf.float32,\n"
        "          tf.errors.NotFoundError(None, None, 'x'), tf.io.FixedLenFeature([], tf.int64), tf.Graph, tf.Module]\n"
        "for value in values:\n"
        "    for made in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):\n"
        "        assert type(made) is type(value) and repr(made) == repr(value), value\n"
        "print(pickle.dumps(tf.TensorShape)[:60].count(b'tensorflow'))\n"
        "print(cloudpickle.loads(cloudpickle.dumps(tf.Graph)) is tf.Graph, len(cloudpickle.dumps(tf.Graph)) < 100)"
    )
    assert run(code) == ["1", "True True"]


def test_annotations_of_bases_are_read_where_they_were_written():
    code = START + (
        "import typing\n"
        "from tensorflow.python.framework import extension_type_field as field\n"
        "from tensorflow.python.ops.linalg.sparse import sparse_csr_matrix_ops as sparse\n"
        "class Mine(sparse.DenseShapeAndType): pass\n"
        "print(sorted(typing.get_type_hints(Mine)))"
    )
    assert run(code) == ["['dtype', 'shape']"]


def test_a_class_can_be_replaced_in_a_private_module():
    code = START + (
        "from tensorflow.python.framework import ops\n"
        "from unittest import mock\n"
        "class Other(ops.Graph): pass\n"
        "with mock.patch.object(ops, 'Graph', Other): print(ops.Graph.__name__)\n"
        "print(ops.Graph is tf.Graph)"
    )
    assert run(code) == ["Other", "True"]


def test_errors_of_ours_are_not_taken_for_those_of_a_library():
    code = START + (
        "from penstock._src.core import registry\n"
        "from penstock._src.core.calls.refusals import refusal_of_values\n"
        "from tensorflow.python.ops.op_selector import UnliftableError\n"
        "error = UnliftableError('no')\n"
        "print(refusal_of_values(registry.find('Neg').instance({'T': None}), error) is error)"
    )
    assert run(code) == ["True"]


def test_tracebacks_show_our_files():
    code = START + (
        "import traceback\n"
        "try: tf.reshape(tf.ones([3]), [2])\n"
        "except tf.errors.InvalidArgumentError as e:\n"
        "    lines = traceback.format_exception(e)\n"
        "    print('penstock' in lines[-2] or '<string>' in lines[-2], lines[-1].split(':')[0])"
    )
    assert run(code) == ["True tensorflow.python.framework.errors_impl.InvalidArgumentError"]


def test_what_is_found_can_be_looked_for_anew():
    code = START + "import importlib\nimportlib.invalidate_caches()\nprint('done')"
    assert run(code) == ["done"]


def test_importing_a_module_registers_its_ops():
    code = START + (
        "from tensorflow.python.framework import test_ops\n"
        "from penstock._src.core import registry\n"
        "print('Foo1' in registry.OPS)"
    )
    assert run(code) == ["True"]


def test_classes_stand_in_the_dictionaries_of_their_modules():
    """Legacy Keras looks a saved type up in `vars(module)`."""
    code = START + (
        "import importlib\n"
        "for c in (tf.TensorSpec, tf.RaggedTensorSpec, tf.SparseTensorSpec):\n"
        "    print(vars(importlib.import_module(c.__module__)).get(c.__name__) is c)\n"
    )
    assert run(code) == ["True"] * 3
