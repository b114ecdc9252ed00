"""ONNX's messages, and the numbers of its enums.

Enum fields are declared as numbers, so files with values that are newer than this table are still read.
"""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "onnx",
    """
StringStringEntryProto
    key=1 string, value=2 string
TensorProto
    dims=1 int64*, data_type=2 int32, segment=3 Segment, float_data=4 float*, int32_data=5 int32*,
    string_data=6 bytes*, int64_data=7 int64*, name=8 string, doc_string=12 string, raw_data=9 bytes?,
    external_data=13 StringStringEntryProto*, data_location=14 int32, double_data=10 double*,
    uint64_data=11 uint64*, metadata_props=16 StringStringEntryProto*
TensorProto.Segment
    begin=1 int64, end=2 int64
SparseTensorProto
    values=1 TensorProto, indices=2 TensorProto, dims=3 int64*
TensorShapeProto
    dim=1 Dimension*
TensorShapeProto.Dimension
    (value: dim_value=1 int64, dim_param=2 string), denotation=3 string
TypeProto
    (value: tensor_type=1 Tensor, sequence_type=4 Sequence, map_type=5 Map, optional_type=9 Optional,
    sparse_tensor_type=8 SparseTensor, opaque_type=7 Opaque), denotation=6 string
TypeProto.Tensor
    elem_type=1 int32, shape=2 TensorShapeProto
TypeProto.Sequence
    elem_type=1 TypeProto
TypeProto.Map
    key_type=1 int32, value_type=2 TypeProto
TypeProto.Optional
    elem_type=1 TypeProto
TypeProto.SparseTensor
    elem_type=1 int32, shape=2 TensorShapeProto
TypeProto.Opaque
    domain=1 string, name=2 string
ValueInfoProto
    name=1 string, type=2 TypeProto, doc_string=3 string, metadata_props=4 StringStringEntryProto*
AttributeProto
    name=1 string, ref_attr_name=21 string, doc_string=13 string, type=20 int32, f=2 float?, i=3 int64?,
    s=4 bytes?, t=5 TensorProto, g=6 GraphProto, sparse_tensor=22 SparseTensorProto, tp=14 TypeProto,
    floats=7 float*!, ints=8 int64*!, strings=9 bytes*, tensors=10 TensorProto*, graphs=11 GraphProto*,
    sparse_tensors=23 SparseTensorProto*, type_protos=15 TypeProto*
NodeProto
    input=1 string*, output=2 string*, name=3 string, op_type=4 string, domain=7 string,
    overload=8 string, attribute=5 AttributeProto*, doc_string=6 string,
    metadata_props=9 StringStringEntryProto*
TensorAnnotation
    tensor_name=1 string, quant_parameter_tensor_names=2 StringStringEntryProto*
GraphProto
    node=1 NodeProto*, name=2 string, initializer=5 TensorProto*, sparse_initializer=15 SparseTensorProto*,
    doc_string=10 string, input=11 ValueInfoProto*, output=12 ValueInfoProto*,
    value_info=13 ValueInfoProto*, quantization_annotation=14 TensorAnnotation*,
    metadata_props=16 StringStringEntryProto*
OperatorSetIdProto
    domain=1 string, version=2 int64
FunctionProto
    name=1 string, input=4 string*, output=5 string*, attribute=6 string*,
    attribute_proto=11 AttributeProto*, node=7 NodeProto*, doc_string=8 string,
    opset_import=9 OperatorSetIdProto*, domain=10 string, overload=13 string,
    value_info=12 ValueInfoProto*, metadata_props=14 StringStringEntryProto*
ModelProto
    ir_version=1 int64, opset_import=8 OperatorSetIdProto*, producer_name=2 string,
    producer_version=3 string, domain=4 string, model_version=5 int64, doc_string=6 string,
    graph=7 GraphProto, metadata_props=14 StringStringEntryProto*, functions=25 FunctionProto*
""",
    package="onnx",
)

ModelProto = SCHEMA["ModelProto"]
GraphProto = SCHEMA["GraphProto"]
NodeProto = SCHEMA["NodeProto"]
TensorProto = SCHEMA["TensorProto"]
ValueInfoProto = SCHEMA["ValueInfoProto"]
AttributeProto = SCHEMA["AttributeProto"]
TypeProto = SCHEMA["TypeProto"]

# The AttributeType of an attribute, and the field of its value.
ATTRIBUTE_FIELDS = {
    1: "f",
    2: "i",
    3: "s",
    4: "t",
    5: "g",
    6: "floats",
    7: "ints",
    8: "strings",
    9: "tensors",
    10: "graphs",
    11: "sparse_tensor",
    12: "sparse_tensors",
    13: "tp",
    14: "type_protos",
}
EXTERNAL = 1  # value of TensorProto.data_location
