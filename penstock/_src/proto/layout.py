"""Meshes of devices, layouts and shardings of tensors on them, and what XLA's operations are told of axes, types and precision, as messages."""

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

# How XLA cuts a tensor into the parts of its devices, and the settings of its operations.
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
GatherDimensionNumbers
    offset_dims=1 int64*, collapsed_slice_dims=2 int64*, start_index_map=3 int64*,
    index_vector_dim=4 int64, operand_batching_dims=5 int64*, start_indices_batching_dims=6 int64*
ScatterDimensionNumbers
    update_window_dims=1 int64*, inserted_window_dims=2 int64*, scatter_dims_to_operand_dims=3 int64*,
    index_vector_dim=4 int64, input_batching_dims=5 int64*, scatter_indices_batching_dims=6 int64*
PrecisionConfig
    operand_precision=1 Precision*, algorithm=2 Algorithm
enum PrecisionConfig.Precision
    DEFAULT=0, HIGH=1, HIGHEST=2
enum PrecisionConfig.Algorithm
    ALG_UNSET=0, ALG_DOT_ANY_F8_ANY_F8_F32=1, ALG_DOT_ANY_F8_ANY_F8_F32_FAST_ACCUM=2,
    ALG_DOT_F16_F16_F16=3, ALG_DOT_F16_F16_F32=4, ALG_DOT_BF16_BF16_BF16=5, ALG_DOT_BF16_BF16_F32=6,
    ALG_DOT_BF16_BF16_F32_X3=7, ALG_DOT_BF16_BF16_F32_X6=8, ALG_DOT_TF32_TF32_F32=9,
    ALG_DOT_TF32_TF32_F32_X3=10, ALG_DOT_F32_F32_F32=11, ALG_DOT_F64_F64_F64=12,
    ALG_DOT_BF16_BF16_F32_X9=13
PaddingConfig
    dimensions=1 PaddingConfigDimension*
PaddingConfig.PaddingConfigDimension
    edge_padding_low=1 int64, edge_padding_high=2 int64, interior_padding=3 int64
WindowDimension
    size=1 int64, stride=2 int64, padding_low=3 int64, padding_high=4 int64, window_dilation=5 int64,
    base_dilation=6 int64, window_reversal=7 bool
Window
    dimensions=1 WindowDimension*
ReplicaGroup
    replica_ids=1 int64*
SortOptions
    descending=1 bool
TriangularSolveOptions
    left_side=1 bool, lower=2 bool, unit_diagonal=3 bool, transpose_a=4 Transpose
enum TriangularSolveOptions.Transpose
    TRANSPOSE_INVALID=0, NO_TRANSPOSE=1, TRANSPOSE=2, ADJOINT=3
CholeskyOptions
    lower=1 bool
enum RandomAlgorithm
    RNG_DEFAULT=0, RNG_THREE_FRY=1, RNG_PHILOX=2
enum RandomDistribution
    RNG_INVALID=0, RNG_UNIFORM=1, RNG_NORMAL=2
enum FftType
    FFT=0, IFFT=1, RFFT=2, IRFFT=3
enum PaddingType
    PADDING_INVALID=0, PADDING_VALID=1, PADDING_SAME=2
enum PrimitiveType
    PRIMITIVE_TYPE_INVALID=0, PRED=1, S1=30, S2=26, S4=21, S8=2, S16=3, S32=4, S64=5, U1=31, U2=27,
    U4=22, U8=6, U16=7, U32=8, U64=9, F16=10, F32=11, BF16=16, F64=12, F8E5M2=19, F8E4M3=28,
    F8E4M3FN=20, F8E4M3B11FNUZ=23, F8E3M4=29, F8E5M2FNUZ=24, F8E4M3FNUZ=25, F4E2M1FN=32,
    F8E8M0FNU=33, C64=15, C128=18, TUPLE=13, OPAQUE_TYPE=14, TOKEN=17, BUFFER=34
""",
    package="xla",
)

OpSharding = XLA["OpSharding"]
ShapeProto = XLA["ShapeProto"]
DotDimensionNumbers = XLA["DotDimensionNumbers"]
ConvolutionDimensionNumbers = XLA["ConvolutionDimensionNumbers"]
GatherDimensionNumbers = XLA["GatherDimensionNumbers"]
ScatterDimensionNumbers = XLA["ScatterDimensionNumbers"]
PrecisionConfig = XLA["PrecisionConfig"]
PaddingConfig = XLA["PaddingConfig"]
WindowDimension = XLA["WindowDimension"]
Window = XLA["Window"]
ReplicaGroup = XLA["ReplicaGroup"]
SortOptions = XLA["SortOptions"]
TriangularSolveOptions = XLA["TriangularSolveOptions"]
CholeskyOptions = XLA["CholeskyOptions"]
RandomAlgorithm = XLA["RandomAlgorithm"]
RandomDistribution = XLA["RandomDistribution"]
FftType = XLA["FftType"]
PaddingType = XLA["PaddingType"]
PrimitiveType = XLA["PrimitiveType"]
