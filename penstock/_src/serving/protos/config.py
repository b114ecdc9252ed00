"""Configuration files: models, batching, monitoring, certificates; they are text protos."""

from penstock._src.proto.schema import Schema
from penstock._src.serving.protos import apis

SCHEMA = Schema(
    "serving_config",
    """
FileSystemStoragePathSourceConfig
    servables=5 ServableToMonitor*, file_system_poll_wait_seconds=3 int64,
    fail_if_zero_versions_at_startup=4 bool, servable_versions_always_present=6 bool
FileSystemStoragePathSourceConfig.ServableVersionPolicy
    (policy_choice: latest=100 Latest, all=101 All, specific=102 Specific)
FileSystemStoragePathSourceConfig.ServableVersionPolicy.Latest
    num_versions=1 uint32
FileSystemStoragePathSourceConfig.ServableVersionPolicy.All
FileSystemStoragePathSourceConfig.ServableVersionPolicy.Specific
    versions=1 int64*
FileSystemStoragePathSourceConfig.ServableToMonitor
    servable_name=1 string, base_path=2 string, servable_version_policy=4 ServableVersionPolicy
LogCollectorConfig
    type=1 string, filename_prefix=2 string
SamplingConfig
    sampling_rate=1 double
LoggingConfig
    log_collector_config=1 LogCollectorConfig, sampling_config=2 SamplingConfig
enum ModelType
    MODEL_TYPE_UNSPECIFIED=0, TENSORFLOW=1, OTHER=2
ModelConfig
    name=1 string, base_path=2 string, model_type=3 ModelType, model_platform=4 string,
    model_version_policy=7 FileSystemStoragePathSourceConfig.ServableVersionPolicy,
    version_labels=8 {string: int64}, logging_config=6 LoggingConfig
ModelConfigList
    config=1 ModelConfig*
ModelServerConfig
    (config: model_config_list=1 ModelConfigList, custom_model_config=2 google.protobuf.Any)
ReloadConfigRequest
    config=1 ModelServerConfig, metric_names=2 string*
Metric
    name=1 string, (value_increase: int64_value_increase=2 int64)
ReloadConfigResponse
    status=1 StatusProto, metric=2 Metric*
BatchingParameters
    max_batch_size=1 google.protobuf.Int64Value, batch_timeout_micros=2 google.protobuf.Int64Value,
    max_enqueued_batches=3 google.protobuf.Int64Value,
    num_batch_threads=4 google.protobuf.Int64Value,
    thread_pool_name=5 google.protobuf.StringValue, allowed_batch_sizes=6 int64*,
    pad_variable_length_inputs=7 bool
PrometheusConfig
    enable=1 bool, path=2 string
SSLConfig
    server_key=1 string, server_cert=2 string, custom_ca=3 string, client_verify=4 bool
MonitoringConfig
    prometheus_config=1 PrometheusConfig
""",
    uses=[apis.SCHEMA],
    package="tensorflow.serving",
)

ModelServerConfig = SCHEMA["ModelServerConfig"]
ReloadConfigRequest = SCHEMA["ReloadConfigRequest"]
ReloadConfigResponse = SCHEMA["ReloadConfigResponse"]
BatchingParameters = SCHEMA["BatchingParameters"]
MonitoringConfig = SCHEMA["MonitoringConfig"]
SSLConfig = SCHEMA["SSLConfig"]
