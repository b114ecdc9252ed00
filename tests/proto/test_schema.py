"""The messages: wire format, presence, maps, oneofs; equal to the compiled ones of TensorBoard."""

import copy
import importlib
import pickle

import pytest

from penstock._src.proto import (
    bundle,
    config,
    dataset,
    event,
    example,
    graph,
    saved,
    stats,
    tensor,
)
from penstock._src.proto.schema import Schema


def test_language():
    schema = Schema(
        "language",
        """
A
    a=1 int32, names=2 {string: int32}, (either: c=3 bytes, d=4 A), e=5 int32?, f=6 B*
    g=7 int64*, h=8 int64*!
A.B
    x=1 Kind
enum A.Kind
    ZERO=0, ONE=1, UNO=1
""",
    )
    A = schema["A"]
    message = A(a=3, names={"x": 1}, c=b"k", f=[A.B(x=A.ONE)], g=[1, 2], h=[1, 2])
    assert message.WhichOneof("either") == "c"
    assert not message.HasField("e")
    assert message.f[0].x == A.UNO
    text = message.SerializeToString(deterministic=True)
    assert text == b"\x08\x03\x12\x05\n\x01x\x10\x01\x1a\x01k2\x02\x08\x01:\x02\x01\x02@\x01@\x02"
    assert A.FromString(text) == message


def test_unknown_type_is_reported():
    with pytest.raises(ValueError, match="unknown type 'C' of the field 'b' in A"):
        Schema("unknown", "A\n    b=1 C")


PAIRS = [
    (graph, "graph", "GraphDef"),
    (graph, "function", "FunctionDef"),
    (graph, "op_def", "OpDef"),
    (graph, "attr_value", "AttrValue"),
    (tensor, "tensor", "TensorProto"),
    (event, "summary", "Summary"),
    (event, "summary", "SummaryMetadata"),
    (event, "event", "Event"),
    (event, "histogram", "HistogramProto"),
    (saved, "meta_graph", "MetaGraphDef"),
    (saved, "saved_object_graph", "SavedObjectGraph"),
    (saved, "trackable_object_graph", "TrackableObjectGraph"),
    (saved, "struct", "StructuredValue"),
    (config, "config", "ConfigProto"),
    (config, "config", "RunMetadata"),
]


def fields(descriptor, seen):
    """Every field reachable from the message, as comparable rows."""
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    for field in descriptor.fields:
        oneof = field.containing_oneof
        kind = field.message_type or field.enum_type
        yield (
            descriptor.full_name,
            field.name,
            field.number,
            field.type,
            field.is_repeated,
            oneof and oneof.name,
            kind and kind.full_name,
        )
        if field.message_type:
            yield from fields(field.message_type, seen)


@pytest.mark.parametrize("module, name, message", PAIRS, ids=lambda value: str(value)[:30])
def test_fields_are_those_of_the_format(module, name, message):
    compiled = importlib.import_module(f"tensorboard.compat.proto.{name}_pb2")
    expected = {
        (row[0].replace("tensorboard", "tensorflow"), *row[1:6])
        for row in fields(getattr(compiled, message).DESCRIPTOR, set())
    }
    here = {row[:6] for row in fields(getattr(module, message).DESCRIPTOR, set())}
    assert not expected - here  # TensorFlow's own may have grown newer fields


def test_messages_copy_and_pickle():
    record = example.Example()
    record.features.feature["x"].int64_list.value.extend([1, 2])
    assert copy.deepcopy(record) == record
    assert pickle.loads(pickle.dumps(record)) == record


def test_enums_and_nested_messages():
    assert tensor.DataType.Name(1) == "DT_FLOAT"
    assert saved.SaverDef.V2 == 2
    assert bundle.BundleHeaderProto.Endianness.Value("BIG") == 1
    assert graph.OpDef.ArgDef(name="x").name == "x"
    value = saved.StructuredValue(tuple_value=saved.TupleValue())
    assert value.WhichOneof("kind") == "tuple_value"


def test_every_schema_builds():
    assert dataset.Options(deterministic=True).HasField("deterministic")
    assert stats.StepStats().ByteSize() == 0
