"""Meshes of devices, and layouts and shardings of tensors on them, as messages."""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "layout",
    """
ShardingSpec
    sharding_spec=2 string
MeshDimensionProto
    name=1 string, size=2 int64
MeshProto
    mesh_dimensions=1 MeshDimensionProto*, global_device_ids=2 int64*, name=3 string,
    local_device_ids=4 int64*, local_devices=5 string*, global_devices=6 string*,
    use_xla_spmd=7 bool, single_device=8 string
LayoutProto
    sharding_specs=1 ShardingSpec*, mesh_config=2 MeshProto, type=3 LayoutType
enum LayoutProto.LayoutType
    UNKNOWN=0, STATIC=1, PARTED=2, SINGLE_DEVICE=3
""",
    package="tensorflow.dtensor",
)

MeshProto = SCHEMA["MeshProto"]
LayoutProto = SCHEMA["LayoutProto"]
