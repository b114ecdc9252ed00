"""Tables of the builtin ops' options. Ops without options have tables without fields, which only the unions name."""

TEXT = """
StablehloGatherOptions
    offset_dims=0 int64*, collapsed_slice_dims=1 int64*, start_index_map=2 int64*,
    index_vector_dim=3 int64, slice_sizes=4 int64*, indices_are_sorted=5 bool
StablehloTransposeOptions
    permutation=0 int64*
StablehloDotGeneralOptions
    lhs_batching_dimensions=0 int64*, rhs_batching_dimensions=1 int64*, lhs_contracting_dimensions=2
    int64*, rhs_contracting_dimensions=3 int64*, precision_config=4 StablehloPrecisionConfig*
StablehloReduceWindowOptions
    window_dimensions=0 int64*, window_strides=1 int64*, base_dilations=2 int64*, window_dilations=3
    int64*, padding=4 int64*, body_subgraph_index=5 int32
StablehloWhileOptions
    cond_subgraph_index=0 int32, body_subgraph_index=1 int32
StablehloSortOptions
    dimension=0 int64, is_stable=1 bool, comparator_subgraph_index=2 int32
StablehloConcatenateOptions
    dimension=0 int64
StablehloBroadcastInDimOptions
    broadcast_dimensions=0 int64*
StablehloCompareOptions
    comparison_direction=0 StablehloComparisonDirection, compare_type=1 StablehloComparisonType
StablehloDynamicSliceOptions
    slice_sizes=0 int64*
StablehloPadOptions
    edge_padding_low=0 int64*, edge_padding_high=1 int64*, interior_padding=2 int64*
StablehloIotaOptions
    iota_dimension=0 int64
StablehloCustomCallOptions
    call_target_name=0 string, has_side_effect=1 bool, backend_config=2 string, api_version=3 int32,
    called_computations=4 int32*, custom_attributes=5 uint8*
StablehloReduceOptions
    dimensions=0 int64*, body_subgraph_index=1 int32
StablehloSliceOptions
    start_indices=0 int64*, limit_indices=1 int64*, strides=2 int64*
StablehloConvolutionOptions
    window_strides=0 int64*, padding=1 int64*, lhs_dilation=2 int64*, rhs_dilation=3 int64*,
    window_reversal=4 bool*, input_batch_dimension=5 int64, input_feature_dimension=6 int64,
    input_spatial_dimensions=7 int64*, kernel_input_feature_dimension=8 int64,
    kernel_output_feature_dimension=9 int64, kernel_spatial_dimensions=10 int64*,
    output_batch_dimension=11 int64, output_feature_dimension=12 int64, output_spatial_dimensions=13
    int64*, feature_group_count=14 int64, batch_group_count=15 int64, precision_config=16
    StablehloPrecisionConfig*
StablehloScatterOptions
    indices_are_sorted=0 bool, update_window_dims=1 int64*, inserted_window_dims=2 int64*,
    scatter_dims_to_operand_dims=3 int64*, index_vector_dim=4 int64, unique_indices=5 bool,
    update_computation_subgraph_index=6 int32
StablehloCaseOptions
    branch_subgraph_indices=0 int32*
StablehloRngBitGeneratorOptions
    algorithm=0 RngAlgorithm
Conv2DOptions
    padding=0 Padding, stride_w=1 int32, stride_h=2 int32, fused_activation_function=3
    ActivationFunctionType, dilation_w_factor=4 int32:1, dilation_h_factor=5 int32:1,
    quantized_bias_type=6 TensorType
Conv3DOptions
    padding=0 Padding, stride_d=1 int32, stride_w=2 int32, stride_h=3 int32,
    fused_activation_function=4 ActivationFunctionType, dilation_d_factor=5 int32:1,
    dilation_w_factor=6 int32:1, dilation_h_factor=7 int32:1
Pool2DOptions
    padding=0 Padding, stride_w=1 int32, stride_h=2 int32, filter_width=3 int32, filter_height=4
    int32, fused_activation_function=5 ActivationFunctionType
DepthwiseConv2DOptions
    padding=0 Padding, stride_w=1 int32, stride_h=2 int32, depth_multiplier=3 int32,
    fused_activation_function=4 ActivationFunctionType, dilation_w_factor=5 int32:1,
    dilation_h_factor=6 int32:1
ConcatEmbeddingsOptions
    num_channels=0 int32, num_columns_per_channel=1 int32*, embedding_dim_per_channel=2 int32*
LSHProjectionOptions
    type=0 LSHProjectionType
SVDFOptions
    rank=0 int32, fused_activation_function=1 ActivationFunctionType, asymmetric_quantize_inputs=2
    bool
RNNOptions
    fused_activation_function=0 ActivationFunctionType, asymmetric_quantize_inputs=1 bool
SequenceRNNOptions
    time_major=0 bool, fused_activation_function=1 ActivationFunctionType,
    asymmetric_quantize_inputs=2 bool
BidirectionalSequenceRNNOptions
    time_major=0 bool, fused_activation_function=1 ActivationFunctionType, merge_outputs=2 bool,
    asymmetric_quantize_inputs=3 bool
FullyConnectedOptions
    fused_activation_function=0 ActivationFunctionType, weights_format=1
    FullyConnectedOptionsWeightsFormat, keep_num_dims=2 bool, asymmetric_quantize_inputs=3 bool,
    quantized_bias_type=4 TensorType, quant_spec=5 uint8*
SoftmaxOptions
    beta=0 float32
ConcatenationOptions
    axis=0 int32, fused_activation_function=1 ActivationFunctionType
AddOptions
    fused_activation_function=0 ActivationFunctionType, pot_scale_int16=1 bool:1
MulOptions
    fused_activation_function=0 ActivationFunctionType
L2NormOptions
    fused_activation_function=0 ActivationFunctionType
LocalResponseNormalizationOptions
    radius=0 int32, bias=1 float32, alpha=2 float32, beta=3 float32
LSTMOptions
    fused_activation_function=0 ActivationFunctionType, cell_clip=1 float32, proj_clip=2 float32,
    kernel_type=3 LSTMKernelType, asymmetric_quantize_inputs=4 bool
UnidirectionalSequenceLSTMOptions
    fused_activation_function=0 ActivationFunctionType, cell_clip=1 float32, proj_clip=2 float32,
    time_major=3 bool, asymmetric_quantize_inputs=4 bool, diagonal_recurrent_tensors=5 bool
BidirectionalSequenceLSTMOptions
    fused_activation_function=0 ActivationFunctionType, cell_clip=1 float32, proj_clip=2 float32,
    merge_outputs=3 bool, time_major=4 bool:1, asymmetric_quantize_inputs=5 bool
ResizeBilinearOptions
    align_corners=2 bool, half_pixel_centers=3 bool
ResizeNearestNeighborOptions
    align_corners=0 bool, half_pixel_centers=1 bool
CallOptions
    subgraph=0 uint32
ReshapeOptions
    new_shape=0 int32*
SkipGramOptions
    ngram_size=0 int32, max_skip_size=1 int32, include_all_ngrams=2 bool
SpaceToDepthOptions
    block_size=0 int32
DepthToSpaceOptions
    block_size=0 int32
SubOptions
    fused_activation_function=0 ActivationFunctionType, pot_scale_int16=1 bool:1
DivOptions
    fused_activation_function=0 ActivationFunctionType
EmbeddingLookupSparseOptions
    combiner=0 CombinerType
GatherOptions
    axis=0 int32, batch_dims=1 int32
ReducerOptions
    keep_dims=0 bool
SqueezeOptions
    squeeze_dims=0 int32*
SplitOptions
    num_splits=0 int32
SplitVOptions
    num_splits=0 int32
StridedSliceOptions
    begin_mask=0 int32, end_mask=1 int32, ellipsis_mask=2 int32, new_axis_mask=3 int32,
    shrink_axis_mask=4 int32, offset=5 bool
CastOptions
    in_data_type=0 TensorType, out_data_type=1 TensorType
ArgMaxOptions
    output_type=0 TensorType
ArgMinOptions
    output_type=0 TensorType
TransposeConvOptions
    padding=0 Padding, stride_w=1 int32, stride_h=2 int32, fused_activation_function=3
    ActivationFunctionType, quantized_bias_type=4 TensorType
SparseToDenseOptions
    validate_indices=0 bool
ShapeOptions
    out_type=0 TensorType
FakeQuantOptions
    min=0 float32, max=1 float32, num_bits=2 int32, narrow_range=3 bool
PackOptions
    values_count=0 int32, axis=1 int32
OneHotOptions
    axis=0 int32
UnpackOptions
    num=0 int32, axis=1 int32
LeakyReluOptions
    alpha=0 float32
MirrorPadOptions
    mode=0 MirrorPadMode
UniqueOptions
    idx_out_type=0 TensorType:2
ReverseSequenceOptions
    seq_dim=0 int32, batch_dim=1 int32
IfOptions
    then_subgraph_index=0 int32, else_subgraph_index=1 int32
CallOnceOptions
    init_subgraph_index=0 int32
WhileOptions
    cond_subgraph_index=0 int32, body_subgraph_index=1 int32
BatchMatMulOptions
    adj_x=0 bool, adj_y=1 bool, asymmetric_quantize_inputs=2 bool
CumsumOptions
    exclusive=0 bool, reverse=1 bool
HashtableOptions
    table_id=0 int32, key_dtype=1 TensorType, value_dtype=2 TensorType
VarHandleOptions
    container=0 string, shared_name=1 string
RandomOptions
    seed=0 int64, seed2=1 int64
BucketizeOptions
    boundaries=0 float32*
GeluOptions
    approximate=0 bool
ReduceWindowOptions
    reduce_function=0 ReduceWindowFunction
StableHLOCompositeOptions
    name=0 string, decomposition_subgraph_index=1 int32, composite_attributes=2 uint8*,
    composite_attributes_format=3 CustomOptionsFormat, version=4 int32
union BuiltinOptions
    Conv2DOptions=1, DepthwiseConv2DOptions=2, ConcatEmbeddingsOptions=3, LSHProjectionOptions=4,
    Pool2DOptions=5, SVDFOptions=6, RNNOptions=7, FullyConnectedOptions=8, SoftmaxOptions=9,
    ConcatenationOptions=10, AddOptions=11, L2NormOptions=12, LocalResponseNormalizationOptions=13,
    LSTMOptions=14, ResizeBilinearOptions=15, CallOptions=16, ReshapeOptions=17, SkipGramOptions=18,
    SpaceToDepthOptions=19, EmbeddingLookupSparseOptions=20, MulOptions=21, PadOptions=22,
    GatherOptions=23, BatchToSpaceNDOptions=24, SpaceToBatchNDOptions=25, TransposeOptions=26,
    ReducerOptions=27, SubOptions=28, DivOptions=29, SqueezeOptions=30, SequenceRNNOptions=31,
    StridedSliceOptions=32, ExpOptions=33, TopKV2Options=34, SplitOptions=35, LogSoftmaxOptions=36,
    CastOptions=37, DequantizeOptions=38, MaximumMinimumOptions=39, ArgMaxOptions=40,
    LessOptions=41, NegOptions=42, PadV2Options=43, GreaterOptions=44, GreaterEqualOptions=45,
    LessEqualOptions=46, SelectOptions=47, SliceOptions=48, TransposeConvOptions=49,
    SparseToDenseOptions=50, TileOptions=51, ExpandDimsOptions=52, EqualOptions=53,
    NotEqualOptions=54, ShapeOptions=55, PowOptions=56, ArgMinOptions=57, FakeQuantOptions=58,
    PackOptions=59, LogicalOrOptions=60, OneHotOptions=61, LogicalAndOptions=62,
    LogicalNotOptions=63, UnpackOptions=64, FloorDivOptions=65, SquareOptions=66,
    ZerosLikeOptions=67, FillOptions=68, BidirectionalSequenceLSTMOptions=69,
    BidirectionalSequenceRNNOptions=70, UnidirectionalSequenceLSTMOptions=71, FloorModOptions=72,
    RangeOptions=73, ResizeNearestNeighborOptions=74, LeakyReluOptions=75,
    SquaredDifferenceOptions=76, MirrorPadOptions=77, AbsOptions=78, SplitVOptions=79,
    UniqueOptions=80, ReverseV2Options=81, AddNOptions=82, GatherNdOptions=83, CosOptions=84,
    WhereOptions=85, RankOptions=86, ReverseSequenceOptions=87, MatrixDiagOptions=88,
    QuantizeOptions=89, MatrixSetDiagOptions=90, HardSwishOptions=91, IfOptions=92, WhileOptions=93,
    DepthToSpaceOptions=94, NonMaxSuppressionV4Options=95, NonMaxSuppressionV5Options=96,
    ScatterNdOptions=97, SelectV2Options=98, DensifyOptions=99, SegmentSumOptions=100,
    BatchMatMulOptions=101, CumsumOptions=102, CallOnceOptions=103, BroadcastToOptions=104,
    Rfft2dOptions=105, Conv3DOptions=106, HashtableOptions=107, HashtableFindOptions=108,
    HashtableImportOptions=109, HashtableSizeOptions=110, VarHandleOptions=111,
    ReadVariableOptions=112, AssignVariableOptions=113, RandomOptions=114, BucketizeOptions=115,
    GeluOptions=116, DynamicUpdateSliceOptions=117, UnsortedSegmentProdOptions=118,
    UnsortedSegmentMaxOptions=119, UnsortedSegmentMinOptions=120, UnsortedSegmentSumOptions=121,
    ATan2Options=122, SignOptions=123, BitcastOptions=124, BitwiseXorOptions=125,
    RightShiftOptions=126
union BuiltinOptions2
    StablehloConcatenateOptions=1, StablehloBroadcastInDimOptions=2, StablehloSliceOptions=3,
    StablehloConvolutionOptions=4, StablehloCustomCallOptions=5, StablehloReduceOptions=6,
    StablehloScatterOptions=7, StablehloCompareOptions=8, StablehloDynamicSliceOptions=9,
    StablehloPadOptions=10, StablehloIotaOptions=11, StablehloDotGeneralOptions=12,
    StablehloReduceWindowOptions=13, StablehloSortOptions=14, StablehloWhileOptions=15,
    StablehloGatherOptions=16, StablehloTransposeOptions=17, DilateOptions=18,
    StablehloRngBitGeneratorOptions=19, ReduceWindowOptions=20, StableHLOCompositeOptions=21,
    StablehloShiftLeftOptions=22, StablehloCaseOptions=23
"""
