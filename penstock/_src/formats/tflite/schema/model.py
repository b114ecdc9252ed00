"""Tables of a TFLite model: graphs, tensors, buffers, signatures."""

TEXT = """
CustomQuantization
    custom=0 uint8*
BlockwiseQuantization
    scales=0 int32, zero_points=1 int32, block_size=2 int32, block_shape=3 int32*
MultiAxisQuantization
    scales=0 int32, zero_points=1 int32, block_size=2 int32, quantized_dimensions=3 int32*
QuantizationParameters
    min=0 float32*, max=1 float32*, scale=2 float32*, zero_point=3 int64*, details=5
    QuantizationDetails, quantized_dimension=6 int32
Int32Vector
    values=0 int32*
Uint16Vector
    values=0 uint16*
Uint8Vector
    values=0 uint8*
DimensionMetadata
    format=0 DimensionType, dense_size=1 int32, array_segments=3 SparseIndexVector, array_indices=5
    SparseIndexVector
SparsityParameters
    traversal_order=0 int32*, block_map=1 int32*, dim_metadata=2 DimensionMetadata*
VariantSubType
    shape=0 int32*, type=1 TensorType, has_rank=2 bool
Tensor
    shape=0 int32*, type=1 TensorType, buffer=2 uint32, name=3 string, quantization=4
    QuantizationParameters, is_variable=5 bool, sparsity=6 SparsityParameters, shape_signature=7
    int32*, has_rank=8 bool, variant_tensors=9 VariantSubType*, external_buffer=10 uint32
OperatorCode
    deprecated_builtin_code=0 int8, custom_code=1 string, version=2 int32:1, builtin_code=3
    BuiltinOperator
Operator
    opcode_index=0 uint32, inputs=1 int32*, outputs=2 int32*, builtin_options=4 BuiltinOptions,
    custom_options=5 uint8*, custom_options_format=6 CustomOptionsFormat, mutating_variable_inputs=7
    bool*, intermediates=8 int32*, large_custom_options_offset=9 uint64,
    large_custom_options_size=10 uint64, builtin_options2=12 BuiltinOptions2,
    debug_metadata_index=13 int32:-1
SubGraph
    tensors=0 Tensor*, inputs=1 int32*, outputs=2 int32*, operators=3 Operator*, name=4 string,
    debug_metadata_index=5 int32:-1
Buffer
    data=0 uint8*@16, offset=1 uint64, size=2 uint64
ExternalBufferGroup
    name=0 string
ExternalBuffer
    id=0 uint32, group=1 uint32, offset=2 uint64, packing=4 string
Metadata
    name=0 string, buffer=1 uint32
TensorMap
    name=0 string, tensor_index=1 uint32
SignatureDef
    inputs=0 TensorMap*, outputs=1 TensorMap*, signature_key=2 string, subgraph_index=4 uint32
Model
    version=0 uint32, operator_codes=1 OperatorCode*, subgraphs=2 SubGraph*, description=3 string,
    buffers=4 Buffer*, metadata_buffer=5 int32*, metadata=6 Metadata*, signature_defs=7
    SignatureDef*, external_buffer_groups=8 ExternalBufferGroup*, external_buffers=9 ExternalBuffer*
union QuantizationDetails
    CustomQuantization=1, BlockwiseQuantization=2, MultiAxisQuantization=3
union SparseIndexVector
    Int32Vector=1, Uint16Vector=2, Uint8Vector=3
"""
