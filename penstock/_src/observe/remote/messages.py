"""The messages of TensorFlow's ProfilerService."""

from penstock._src.observe.profile_files import XPLANE
from penstock._src.proto.schema import Schema

SERVICE = "tensorflow.ProfilerService"

_OPTIONS = Schema(
    "profiler_options",
    """
ProfileOptions
    include_dataset_ops=1 bool, host_tracer_level=2 uint32, device_tracer_level=3 uint32, python_tracer_level=4 uint32
    version=5 uint32, device_type=6 DeviceType, enable_hlo_proto=7 bool, start_timestamp_ns=8 uint64
    duration_ms=9 uint64, repository_path=10 string
enum ProfileOptions.DeviceType
    UNSPECIFIED=0, CPU=1, GPU=2, TPU=3, PLUGGABLE_DEVICE=4
""",
)
_SERVICE_MESSAGES = Schema(
    "profiler_service",
    """
ToolRequestOptions
    output_formats=2 string, save_to_repo=3 bool
ProfileRequest
    duration_ms=1 uint64, max_events=2 uint64, tools=3 string*, tool_options=8 {string: ToolRequestOptions}
    opts=4 ProfileOptions, repository_root=5 string, session_id=6 string, host_name=7 string, emit_xspace=9 bool
ProfileToolData
    name=1 string, data=2 bytes
ProfileResponse
    tool_data=6 ProfileToolData*, empty_trace=7 bool, xspace=8 profiler.XSpace
TerminateRequest
    session_id=1 string
TerminateResponse
MonitorRequest
    duration_ms=1 uint64, monitoring_level=2 int32, timestamp=3 bool
MonitorResponse
    data=1 string
""",
    uses=(_OPTIONS, XPLANE),
)
ProfileOptions = _OPTIONS["ProfileOptions"]
ProfileRequest, ProfileResponse = _SERVICE_MESSAGES.many("ProfileRequest ProfileResponse")
TerminateRequest, TerminateResponse = _SERVICE_MESSAGES.many("TerminateRequest TerminateResponse")
MonitorRequest, MonitorResponse = _SERVICE_MESSAGES.many("MonitorRequest MonitorResponse")
