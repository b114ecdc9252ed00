"""Meshes of devices, layouts and shardings of tensors on them, and the axes of XLA's products, as messages."""

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

# How XLA cuts a tensor into the parts of its devices, and which axes a product or a convolution takes.
XLA = Schema(
    "xla_data",
    """
ShapeProto
    element_type=2 int32, dimensions=3 int64*, tuple_shapes=4 ShapeProto*,
    is_dynamic_dimension=6 bool*
OpSharding
    type=1 Type, tile_shape=2 ShapeProto, tile_assignment_dimensions=3 int64*,
    tile_assignment_devices=4 int64*, tuple_shardings=5 OpSharding*,
    replicate_on_last_tile_dim=6 bool, last_tile_dims=8 Type*, iota_reshape_dims=9 int64*,
    iota_transpose_perm=10 int32*, is_shard_group=11 bool, shard_group_id=12 int64,
    shard_group_type=13 ShardGroupType
enum OpSharding.Type
    REPLICATED=0, MAXIMAL=1, TUPLE=2, OTHER=3, MANUAL=4, UNKNOWN=5, UNREDUCED=6
enum OpSharding.ShardGroupType
    AS=0, LIKE=1
DotDimensionNumbers
    lhs_contracting_dimensions=1 int64*, rhs_contracting_dimensions=2 int64*,
    lhs_batch_dimensions=3 int64*, rhs_batch_dimensions=4 int64*
ConvolutionDimensionNumbers
    input_batch_dimension=7 int64, input_feature_dimension=8 int64, input_spatial_dimensions=11 int64*,
    kernel_input_feature_dimension=3 int64, kernel_output_feature_dimension=4 int64,
    kernel_spatial_dimensions=6 int64*, output_batch_dimension=9 int64,
    output_feature_dimension=10 int64, output_spatial_dimensions=12 int64*
""",
    package="xla",
)

OpSharding = XLA["OpSharding"]
ShapeProto = XLA["ShapeProto"]
DotDimensionNumbers = XLA["DotDimensionNumbers"]
ConvolutionDimensionNumbers = XLA["ConvolutionDimensionNumbers"]
