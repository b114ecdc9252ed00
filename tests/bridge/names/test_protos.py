"""Generated code of other packages that depends on TensorFlow's `.proto` files."""

import subprocess
import sys

START = """
import penstock; penstock.install_as_tensorflow()
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
pool = descriptor_pool.Default()
"""
# What protoc's output does: imports the modules of what it depends on, then adds its own file.
FOREIGN = """
from tensorflow.core.framework import tensor_shape_pb2, types_pb2
from tensorflow.core.protobuf import saved_model_pb2
file = descriptor_pb2.FileDescriptorProto(name="foreign.proto", package="foreign", syntax="proto3")
file.dependency.append("tensorflow/core/framework/tensor_shape.proto")
file.dependency.append("tensorflow/core/framework/types.proto")
message = file.message_type.add(name="Feature")
message.field.add(name="shape", number=1, type=11, label=1, type_name=".tensorflow.TensorShapeProto")
message.field.add(name="dtype", number=2, type=14, label=1, type_name=".tensorflow.DataType")
pool.AddSerializedFile(file.SerializeToString())
Feature = message_factory.GetMessageClass(pool.FindMessageTypeByName("foreign.Feature"))
feature = Feature(dtype=types_pb2.DT_FLOAT)
feature.shape.MergeFromString(tf.TensorShape([2, None]).as_proto().SerializeToString())
print(tf.TensorShape(feature.shape), tf.as_dtype(feature.dtype).name)
"""


def run(code):
    """The lines that `code` prints in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_generated_code_finds_what_it_depends_on():
    assert run(START + FOREIGN) == ["(2, None) float32"]


def test_messages_of_services_find_named_tensors_and_codes_of_errors():
    shown = (
        "from tensorflow.core.protobuf import error_codes_pb2, named_tensor_pb2\n"
        "print(named_tensor_pb2.NamedTensorProto(name='x').name, error_codes_pb2.Code.Name(3))\n"
        "print(error_codes_pb2.xla_dot_tsl_dot_protobuf_dot_error__codes__pb2.__name__)\n"
        "for name in ('named_tensor', 'error_codes'):\n"
        "    print(pool.FindFileByName(f'tensorflow/core/protobuf/{name}.proto').package)"
    )
    assert run(START + shown)[::2] == ["x INVALID_ARGUMENT", "tensorflow"]


def test_every_module_of_messages_can_be_imported_beside_the_others():
    code = START + (
        "import importlib\n"
        "from penstock._src.bridge.names import python_paths\n"
        "for path in python_paths.PATHS:\n"
        "    if path.endswith('_pb2'): importlib.import_module('tensorflow.' + path)\n"
        "for name in ('framework/graph', 'example/example', 'protobuf/meta_graph', 'protobuf/config'):\n"
        "    print(pool.FindFileByName(f'tensorflow/core/{name}.proto').name)"
    )
    assert len(run(code)) == 4


# A request of a service, as a client fills it.
REQUEST = """
import numpy as np
from tensorflow.core.framework import tensor_pb2
file = descriptor_pb2.FileDescriptorProto(name="request.proto", package="foreign", syntax="proto3")
file.dependency.append("tensorflow/core/framework/tensor.proto")
message = file.message_type.add(name="Request")
entry = message.nested_type.add(name="InputsEntry")
entry.options.map_entry = True
entry.field.add(name="key", number=1, type=9, label=1)
entry.field.add(name="value", number=2, type=11, label=1, type_name=".tensorflow.TensorProto")
message.field.add(name="inputs", number=1, type=11, label=3, type_name=".foreign.Request.InputsEntry")
pool.AddSerializedFile(file.SerializeToString())
Request = message_factory.GetMessageClass(pool.FindMessageTypeByName("foreign.Request"))
"""


def test_messages_are_copied_to_and_from_those_of_generated_code():
    shown = (
        "request = Request(inputs={'a': tf.make_tensor_proto([3.0])})\n"
        "request.inputs['b'].CopyFrom(tf.make_tensor_proto([1.0, 2.0]))\n"
        "request.inputs['b'].MergeFrom(tensor_pb2.TensorProto(dtype=1))\n"
        "back = tensor_pb2.TensorProto()\n"
        "back.CopyFrom(request.inputs['b'])\n"
        "print(tf.make_ndarray(request.inputs['a']), tf.make_ndarray(back))\n"
        "try:\n"
        "    back.CopyFrom(tf.TensorShape([1]).as_proto())\n"
        "except TypeError:\n"
        "    print('refused')"
    )
    assert run(START + REQUEST + shown) == ["[3.] [1. 2.]", "refused"]


# What protoc's output does with messages in fields of its own.
GENERATED = """
from google.protobuf.internal import builder
from tensorflow.core.framework import attr_value_pb2, tensor_shape_pb2
file = descriptor_pb2.FileDescriptorProto(name="generated.proto", package="foreign", syntax="proto3")
file.dependency.append("tensorflow/core/framework/tensor_shape.proto")
message = file.message_type.add(name="Shapes")
message.field.add(name="one", number=1, type=11, label=1, type_name=".tensorflow.TensorShapeProto")
message.field.add(name="many", number=2, type=11, label=3, type_name=".tensorflow.TensorShapeProto")
descriptor = pool.AddSerializedFile(file.SerializeToString())
builder.BuildMessageAndEnumDescriptors(descriptor, globals())
builder.BuildTopDescriptorsAndMessages(descriptor, "generated_pb2", globals())
"""


def test_constructors_take_messages_of_either_class():
    shown = (
        "ours = tf.TensorShape([2, 3]).as_proto()\n"
        "shapes = Shapes(one=ours, many=[ours, ours])\n"
        "print(tf.TensorShape(shapes.one), len(shapes.many))\n"
        "print(attr_value_pb2.AttrValue(shape=shapes.one).shape.dim[1].size)\n"
        "print(Shapes(one={'unknown_rank': True}).one.unknown_rank)\n"
        "try:\n"
        "    Shapes(one=tf.make_tensor_proto(1.0))\n"
        "except TypeError:\n"
        "    print('refused')"
    )
    assert run(START + GENERATED + shown) == ["(2, 3) 2", "3", "True", "refused"]


def test_what_another_package_has_brought_stays():
    theirs = (
        "from google.protobuf import descriptor_pb2, descriptor_pool\n"
        "file = descriptor_pb2.FileDescriptorProto(name='theirs.proto', package='tensorflow', syntax='proto3')\n"
        "file.message_type.add(name='TensorShapeProto')\n"
        "descriptor_pool.Default().AddSerializedFile(file.SerializeToString())\n"
    )
    shown = (
        "from tensorflow.core.framework import tensor_shape_pb2\n"
        "print(pool.FindFileContainingSymbol('tensorflow.TensorShapeProto').name, tensor_shape_pb2.TensorShapeProto().dim)"
    )
    assert run(theirs + START + shown) == ["theirs.proto []"]


def test_settings_of_xla_operations_have_the_numbers_of_their_fields():
    shown = (
        "from tensorflow.compiler.xla import xla_data_pb2 as xla\n"
        "print(xla.RandomAlgorithm.RNG_PHILOX, xla.PrimitiveType.Value('BF16'), xla.FftType.Name(2))\n"
        "gather = xla.GatherDimensionNumbers(offset_dims=[1], index_vector_dim=2, operand_batching_dims=[0])\n"
        "print(gather.SerializeToString().hex())\n"
        "precision = xla.PrecisionConfig(operand_precision=[xla.PrecisionConfig.HIGHEST])\n"
        "print(precision.SerializeToString().hex())"
    )
    assert run(START + shown) == ["2 16 RFFT", "0a010120022a0100", "0a0102"]
