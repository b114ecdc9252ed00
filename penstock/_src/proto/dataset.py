"""Options of input pipelines as messages."""

from penstock._src.proto.saved import ERRORS
from penstock._src.proto.schema import Schema

MODEL = Schema(
    "model",
    """
enum AutotuneAlgorithm
    DEFAULT=0, HILL_CLIMB=1, GRADIENT_DESCENT=2, MAX_PARALLELISM=3, STAGE_BASED=4
""",
    package="tensorflow.data.model",
)

SCHEMA = Schema(
    "dataset",
    """
enum AutoShardPolicy
    AUTO=0, FILE=1, DATA=2, HINT=3, OFF=-1
enum ExternalStatePolicy
    POLICY_WARN=0, POLICY_IGNORE=1, POLICY_FAIL=2
AutotuneOptions
    (optional_enabled: enabled=1 bool), (optional_cpu_budget: cpu_budget=2 int32),
    (optional_ram_budget: ram_budget=3 int64),
    (optional_autotune_algorithm: autotune_algorithm=4 model.AutotuneAlgorithm),
    (optional_initial_parallelism: initial_parallelism=5 int64),
    (optional_min_parallelism: min_parallelism=6 int64)
CardinalityOptions
    compute_level=1 ComputeLevel
enum CardinalityOptions.ComputeLevel
    CARDINALITY_COMPUTE_UNSPECIFIED=0, CARDINALITY_COMPUTE_LOW=1, CARDINALITY_COMPUTE_MODERATE=2
DistributeOptions
    auto_shard_policy=1 AutoShardPolicy, (optional_num_devices: num_devices=2 int32)
OptimizationOptions
    (optional_apply_default_optimizations: apply_default_optimizations=1 bool),
    (optional_filter_fusion: filter_fusion=6 bool),
    (optional_map_and_batch_fusion: map_and_batch_fusion=9 bool),
    (optional_map_and_filter_fusion: map_and_filter_fusion=10 bool),
    (optional_map_fusion: map_fusion=11 bool),
    (optional_map_parallelization: map_parallelization=12 bool),
    (optional_noop_elimination: noop_elimination=14 bool),
    (optional_parallel_batch: parallel_batch=15 bool),
    (optional_shuffle_and_repeat_fusion: shuffle_and_repeat_fusion=17 bool),
    (optional_filter_parallelization: filter_parallelization=18 bool),
    (optional_inject_prefetch: inject_prefetch=19 bool),
    (optional_seq_interleave_prefetch: seq_interleave_prefetch=21 bool)
ServiceOptions
    (optional_pinned: pinned=1 bool)
ThreadingOptions
    (optional_max_intra_op_parallelism: max_intra_op_parallelism=1 int32),
    (optional_private_threadpool_size: private_threadpool_size=2 int32)
Options
    (optional_dataset_name: dataset_name=10 string), framework_type=11 string*,
    (optional_deterministic: deterministic=1 bool), autotune_options=7 AutotuneOptions,
    distribute_options=2 DistributeOptions, optimization_options=3 OptimizationOptions,
    service_options=12 ServiceOptions, (optional_slack: slack=4 bool),
    threading_options=5 ThreadingOptions,
    (optional_external_state_policy: external_state_policy=6 ExternalStatePolicy),
    (optional_symbolic_checkpoint: symbolic_checkpoint=8 bool),
    (optional_warm_start: warm_start=9 bool)
Metadata
    name=1 bytes, data_service_address=2 string
""",
    uses=[MODEL],
    package="tensorflow.data",
)

AutoShardPolicy = SCHEMA["AutoShardPolicy"]
ExternalStatePolicy = SCHEMA["ExternalStatePolicy"]
AutotuneOptions = SCHEMA["AutotuneOptions"]
CardinalityOptions = SCHEMA["CardinalityOptions"]
DistributeOptions = SCHEMA["DistributeOptions"]
OptimizationOptions = SCHEMA["OptimizationOptions"]
ServiceOptions = SCHEMA["ServiceOptions"]
ThreadingOptions = SCHEMA["ThreadingOptions"]
Options = SCHEMA["Options"]
Metadata = SCHEMA["Metadata"]

SNAPSHOT = Schema(
    "snapshot",
    """
SnapshotMetadataRecord
    graph_hash=1 string, run_id=2 string, creation_timestamp=3 int64, version=4 int64,
    dtype=5 int32*, num_elements=6 int64, finalized=1000 bool
DistributedSnapshotMetadata
    element_spec=1 bytes, compression=2 string
StatusProto
    code=1 tensorflow.error.Code, message=2 string
""",
    uses=[ERRORS],
    package="tensorflow.data.experimental",
)
SnapshotMetadataRecord = SNAPSHOT["SnapshotMetadataRecord"]
DistributedSnapshotMetadata = SNAPSHOT["DistributedSnapshotMetadata"]
StatusProto = SNAPSHOT["StatusProto"]
