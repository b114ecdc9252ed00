"""The messages between consumers, dispatcher and workers of a tf.data service."""

from penstock._src.proto import tensor
from penstock._src.proto.schema import Schema

DISPATCHER, WORKER = "penstock.data.Dispatcher", "penstock.data.Worker"
SCHEMA = Schema(
    "data_service",
    """
Element
    components=1 tensorflow.TensorProto*, is_end=2 bool, incarnation=3 fixed64,
    structure=4 bytes, packed=5 bytes
RegisterRequest
    graph=1 bytes, dataset_id=2 string, local=4 string, spec=5 bytes, compression=6 string,
    cardinality=7 int64
RegisterReply
    dataset_id=1 string
SpecRequest
    dataset_id=1 string
SpecReply
    is_known=2 bool, spec=3 bytes, cardinality=4 int64
JobRequest
    dataset_id=1 string, policy=2 int32, name=3 string, iteration=4 int64, consumers=5 int32,
    is_cached=6 bool, target=7 string
JobReply
    job=1 string, is_kept=2 bool
TasksRequest
    job=1 string, lost=2 string*, is_over=3 bool
TasksReply
    workers=1 string*, shards=2 int64
AnnounceRequest
    worker=1 string, is_leaving=2 bool, streams=3 Owner*
AnnounceReply
    streams=1 StreamTask*
TaskRequest
    job=1 string, worker=2 string
TaskReply
    graph=1 bytes, local=2 string, policy=3 int32, shard=4 int64, shards=5 int64,
    consumers=6 int32, is_cached=7 bool, is_kept=8 bool, compression=9 string,
    cardinality=10 int64
SplitRequest
    job=1 string, source=2 int32, repetition=3 int64, worker=4 string, number=5 int64,
    owner=6 Owner
SplitGiven
    request=1 SplitRequest, at=2 int64
DispatcherChange
    (change: dataset=1 RegisterRequest, job=2 JobMade, ended_job=3 string, split=4 SplitGiven,
    version=5 int64, snapshot=6 SaveRequest, ended_snapshot=7 string, owner=8 Owner,
    stream_split=9 StreamSplit, commit=10 CommitRequest, furthest=11 StreamSplit)
JobMade
    job=1 string, request=2 JobRequest
SaveRequest
    path=1 string, graph=2 bytes, local=3 string, spec=4 bytes, compression=5 string
SaveReply
Owner
    path=1 string, stream=2 int32, generation=3 int64, worker=4 string
StreamTask
    owner=1 Owner, graph=2 bytes, local=3 string, compression=4 string, last=5 CommitRequest
StreamSplit
    owner=1 Owner, source=2 int32, repetition=3 int64, number=4 int64, at=5 int64
CommitRequest
    owner=1 Owner, number=2 int64, elements=3 int64, position=4 Position, is_done=5 bool,
    code=6 int32, error=7 string
CommitReply
Position
    state=1 bytes, tensors=2 tensorflow.TensorProto*, opened=3 int64*, open=4 Position.Open*
Position.Open
    source=1 int32, repetition=2 int64, count=3 int64
ElementRequest
    job=1 string, consumer=2 string, number=3 int64, is_over=4 bool
""",
    uses=[tensor.SCHEMA],
    package="penstock.data",
)
(
    Element, RegisterRequest, RegisterReply, SpecRequest, SpecReply, JobRequest, JobReply, TasksRequest, TasksReply,
    AnnounceRequest, AnnounceReply, TaskRequest, TaskReply, SplitRequest, SplitGiven, DispatcherChange, JobMade, ElementRequest,
    SaveRequest, SaveReply, Owner, StreamTask, StreamSplit, CommitRequest, CommitReply, Position,
) = SCHEMA.many(
    "Element RegisterRequest RegisterReply SpecRequest SpecReply JobRequest JobReply TasksRequest TasksReply AnnounceRequest "
    "AnnounceReply TaskRequest TaskReply SplitRequest SplitGiven DispatcherChange JobMade ElementRequest "
    "SaveRequest SaveReply Owner StreamTask StreamSplit CommitRequest CommitReply Position"
)  # fmt: skip
