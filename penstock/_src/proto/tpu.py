"""Messages that describe TPU systems."""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "tpu",
    """
TPUHardwareFeature
    embedding_feature=1 EmbeddingFeature, num_embedding_devices_per_chip=2 int32
enum TPUHardwareFeature.EmbeddingFeature
    UNSUPPORTED=0, V1=1, V2=2
TopologyProto
    mesh_shape=1 int32*, num_tasks=2 int32, num_tpu_devices_per_task=3 int32,
    device_coordinates=4 int32*, tpu_hardware_feature=5 TPUHardwareFeature
""",
    package="tensorflow.tpu",
)

TPUHardwareFeature = SCHEMA["TPUHardwareFeature"]
TopologyProto = SCHEMA["TopologyProto"]
