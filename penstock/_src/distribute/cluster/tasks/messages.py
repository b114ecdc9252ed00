"""The messages between tasks."""

from penstock._src.proto import graph, tensor
from penstock._src.proto.schema import Schema

SERVICE = "penstock.cluster.Task"
SCHEMA = Schema(
    "cluster_tasks",
    """
Resource
    task=1 string, incarnation=2 fixed64, id=3 fixed64, name=4 string, dtype=5 int32,
    shape=6 tensorflow.TensorShapeProto, is_new=7 bool, address=8 string
Value
    (kind: tensor=1 tensorflow.TensorProto, resource=2 Resource)
Caller
    name=1 string, incarnation=2 fixed64, number=3 uint64, answered_below=4 uint64,
    released=5 fixed64*
HelloRequest
    caller=1 Caller, task=2 string
HelloReply
    incarnation=1 fixed64, task=2 string
OpRequest
    caller=1 Caller, node=2 tensorflow.NodeDef, inputs=3 Value*
RegisterRequest
    caller=1 Caller, library=2 tensorflow.FunctionDefLibrary
FunctionRequest
    caller=1 Caller, name=2 string, inputs=3 Value*
Description
    task=1 string, addresses=2 {string: string}
Part
    number=1 uint64, operations=2 string*, given=3 string*, taken=4 string*, returned=5 string*,
    left=6 string*, awaited=7 string*
ExtendRequest
    caller=1 Caller, session=2 string, begins=3 bool, is_isolated=4 bool,
    graph=5 tensorflow.GraphDef, parts=6 Part*, on_host=7 bool
PartRequest
    caller=1 Caller, session=2 string, step=3 uint64, part=4 uint64, inputs=5 Value*,
    ended_steps=6 uint64*, milliseconds=7 int64
StepRequest
    caller=1 Caller, session=2 string, step=3 uint64
ResetRequest
    caller=1 Caller, containers=2 string*
Reply
    outputs=1 Value*, error_code=2 int32, error_class=3 string, error_message=4 string,
    lost_task=5 string
""",
    uses=[tensor.SCHEMA, graph.SCHEMA],
    package="penstock.cluster",
)
Resource = SCHEMA["Resource"]
Value = SCHEMA["Value"]
Caller = SCHEMA["Caller"]
HelloRequest = SCHEMA["HelloRequest"]
HelloReply = SCHEMA["HelloReply"]
OpRequest = SCHEMA["OpRequest"]
RegisterRequest = SCHEMA["RegisterRequest"]
FunctionRequest = SCHEMA["FunctionRequest"]
Description = SCHEMA["Description"]
Part = SCHEMA["Part"]
ExtendRequest = SCHEMA["ExtendRequest"]
PartRequest = SCHEMA["PartRequest"]
StepRequest = SCHEMA["StepRequest"]
ResetRequest = SCHEMA["ResetRequest"]
Reply = SCHEMA["Reply"]
