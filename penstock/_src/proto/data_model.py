"""The stages of an input pipeline as messages."""

from penstock._src.proto import dataset
from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "data_model",
    """
enum NodeClass
    UNKNOWN=0, INTERLEAVE_MANY=1, ASYNC_INTERLEAVE_MANY=2, KNOWN_RATIO=3, ASYNC_KNOWN_RATIO=4,
    UNKNOWN_RATIO=5, ASYNC_UNKNOWN_RATIO=6
ModelProto
    dataset_name=7 string, nodes=1 {int64: Node}, output=2 int64, id_counter=3 int64,
    optimization_params=5 OptimizationParams, gap_times=6 uint64*
ModelProto.Node
    id=1 int64, name=2 string, autotune=3 bool, buffered_bytes=4 int64, buffered_elements=5 int64,
    bytes_consumed=6 int64, bytes_produced=7 int64, num_elements=8 int64, processing_time=9 int64,
    record_metrics=10 bool, parameters=11 Parameter*, input_processing_time_sum=12 double,
    input_processing_time_count=13 int64, inputs=14 int64*, node_class=15 NodeClass,
    ratio=16 double, memory_ratio=17 double
ModelProto.Node.Parameter
    name=1 string, value=2 double, state_value=3 double, min=4 double, max=5 double,
    tunable=6 bool
ModelProto.OptimizationParams
    algorithm=1 AutotuneAlgorithm, cpu_budget=2 int64, ram_budget=3 int64,
    model_input_time=4 double
""",
    uses=[dataset.MODEL],
    package="tensorflow.data.model",
)

ModelProto = SCHEMA["ModelProto"]
