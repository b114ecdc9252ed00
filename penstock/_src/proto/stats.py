"""Messages with the costs of a step (StepStats, CostGraphDef, memory logs) and profiles of graphs."""

from penstock._src.proto import tensor
from penstock._src.proto.schema import Schema
from penstock._src.util.export import export

SCHEMA = Schema(
    "stats",
    """
CostGraphDef
    node=1 Node*, cost=2 AggregatedCost*
CostGraphDef.Node
    name=1 string, device=2 string, id=3 int32, input_info=4 InputInfo*,
    output_info=5 OutputInfo*, temporary_memory_size=6 int64, persistent_memory_size=12 int64,
    host_temp_memory_size=10 int64, device_temp_memory_size=11 int64,
    device_persistent_memory_size=16 int64, compute_cost=9 int64, compute_time=14 int64,
    memory_time=15 int64, is_final=7 bool, control_input=8 int32*, inaccurate=17 bool
CostGraphDef.Node.InputInfo
    preceding_node=1 int32, preceding_port=2 int32
CostGraphDef.Node.OutputInfo
    size=1 int64, alias_input_port=2 int64, shape=3 TensorShapeProto, dtype=4 DataType
CostGraphDef.AggregatedCost
    cost=1 float, dimension=2 string
AllocationDescription
    requested_bytes=1 int64, allocated_bytes=2 int64, allocator_name=3 string,
    allocation_id=4 int64, has_single_reference=5 bool, ptr=6 uint64
TensorDescription
    dtype=1 DataType, shape=2 TensorShapeProto, allocation_description=4 AllocationDescription
AllocationRecord
    alloc_micros=1 int64, alloc_bytes=2 int64
AllocatorMemoryUsed
    allocator_name=1 string, total_bytes=2 int64, peak_bytes=3 int64, live_bytes=4 int64,
    allocation_records=6 AllocationRecord*, allocator_bytes_in_use=5 int64
NodeOutput
    slot=1 int32, tensor_description=3 TensorDescription
MemoryStats
    temp_memory_size=1 int64, persistent_memory_size=3 int64,
    persistent_tensor_alloc_ids=5 int64*, device_temp_memory_size=2 int64,
    device_persistent_memory_size=4 int64, device_persistent_tensor_alloc_ids=6 int64*
NodeExecStats
    node_name=1 string, all_start_micros=2 int64, op_start_rel_micros=3 int64,
    op_end_rel_micros=4 int64, all_end_rel_micros=5 int64, memory=6 AllocatorMemoryUsed*,
    output=7 NodeOutput*, timeline_label=8 string, scheduled_micros=9 int64,
    thread_id=10 uint32, referenced_tensor=11 AllocationDescription*,
    memory_stats=12 MemoryStats, all_start_nanos=13 int64, op_start_rel_nanos=14 int64,
    op_end_rel_nanos=15 int64, all_end_rel_nanos=16 int64, scheduled_nanos=17 int64
DeviceStepStats
    device=1 string, node_stats=2 NodeExecStats*, thread_names=3 {uint32: string}
StepStats
    dev_stats=1 DeviceStepStats*
MemoryLogStep
    step_id=1 int64, handle=2 string
MemoryLogTensorAllocation
    step_id=1 int64, kernel_name=2 string, tensor=3 TensorDescription
MemoryLogTensorDeallocation
    allocation_id=1 int64, allocator_name=2 string
MemoryLogTensorOutput
    step_id=1 int64, kernel_name=2 string, index=3 int32, tensor=4 TensorDescription
MemoryLogRawAllocation
    step_id=1 int64, operation=2 string, num_bytes=3 int64, ptr=4 uint64, allocation_id=5 int64,
    allocator_name=6 string
MemoryLogRawDeallocation
    step_id=1 int64, operation=2 string, allocation_id=3 int64, allocator_name=4 string,
    deferred=5 bool
DeviceProperties
    type=1 string, vendor=2 string, model=3 string, frequency=4 int64, num_cores=5 int64,
    environment=6 {string: string}, num_registers=7 int64, l1_cache_size=8 int64,
    l2_cache_size=9 int64, l3_cache_size=10 int64,
    shared_memory_size_per_multiprocessor=11 int64, memory_size=12 int64, bandwidth=13 int64
NamedDevice
    name=1 string, properties=2 DeviceProperties
""",
    uses=[tensor.SCHEMA],
)

CostGraphDef = SCHEMA["CostGraphDef"]
AllocationDescription = SCHEMA["AllocationDescription"]
TensorDescription = SCHEMA["TensorDescription"]
AllocationRecord = SCHEMA["AllocationRecord"]
AllocatorMemoryUsed = SCHEMA["AllocatorMemoryUsed"]
NodeOutput = SCHEMA["NodeOutput"]
MemoryStats = SCHEMA["MemoryStats"]
NodeExecStats = SCHEMA["NodeExecStats"]
DeviceStepStats = SCHEMA["DeviceStepStats"]
StepStats = SCHEMA["StepStats"]
DeviceProperties = SCHEMA["DeviceProperties"]
NamedDevice = SCHEMA["NamedDevice"]
MemoryLogStep = SCHEMA["MemoryLogStep"]
MemoryLogTensorAllocation = SCHEMA["MemoryLogTensorAllocation"]
MemoryLogTensorDeallocation = SCHEMA["MemoryLogTensorDeallocation"]
MemoryLogTensorOutput = SCHEMA["MemoryLogTensorOutput"]
MemoryLogRawAllocation = SCHEMA["MemoryLogRawAllocation"]
MemoryLogRawDeallocation = SCHEMA["MemoryLogRawDeallocation"]

_COSTS = """exec_micros={} int64, accelerator_exec_micros={} int64, cpu_exec_micros={} int64,
    requested_bytes={} int64, peak_bytes={} int64, residual_bytes={} int64, output_bytes={} int64,
    parameters={} int64, float_ops={} int64"""
_TOTALS = ", ".join(f"total_{cost.strip()}" for cost in _COSTS.split(","))
PROFILES = Schema(
    "model_profile",
    f"""
TFProfTensorProto
    dtype=1 DataType, value_double=2 double*, value_int64=3 int64*, value_str=4 string*
GraphNodeProto
    name=1 string, tensor_value=15 TFProfTensorProto, run_count=21 int64,
    {_COSTS.format(2, 17, 18, 3, 24, 25, 26, 4, 13)}, devices=10 string*,
    total_definition_count=23 int64, total_run_count=22 int64,
    {_TOTALS.format(6, 19, 20, 7, 27, 28, 29, 8, 14)}, shapes=11 TensorShapeProto*,
    input_shapes=16 {{int32: TensorShapeProto}}, children=12 GraphNodeProto*
MultiGraphNodeProto
    name=1 string, {_COSTS.format(2, 12, 13, 3, 16, 17, 18, 4, 5)},
    {_TOTALS.format(6, 14, 15, 7, 19, 20, 21, 8, 9)}, graph_nodes=10 GraphNodeProto*,
    children=11 MultiGraphNodeProto*
AdviceProto
    checkers=1 {{string: Checker}}
AdviceProto.Checker
    reports=2 string*
OpLogProto
    log_entries=1 OpLogEntry*, id_to_string=2 {{int64: string}}
OpLogEntry
    name=1 string, float_ops=2 int64, types=3 string*, code_def=4 CodeDef
CodeDef
    traces=1 Trace*
CodeDef.Trace
    file_id=6 int64, lineno=2 int32, function_id=7 int64, line_id=8 int64, func_start_line=5 int32
""",
)
PROFILES.module = __name__
GraphNodeProto, MultiGraphNodeProto, AdviceProto, OpLogProto = PROFILES.many(
    "GraphNodeProto MultiGraphNodeProto AdviceProto OpLogProto"
)

export(v1=["profiler.GraphNodeProto"])(GraphNodeProto)
export(v1=["profiler.MultiGraphNodeProto"])(MultiGraphNodeProto)
export(v1=["profiler.AdviceProto"])(AdviceProto)
export(v1=["profiler.OpLogProto"])(OpLogProto)
