"""The functions of compat.v1 that differ from TensorFlow 2's only by their parameters, one line each.

A line has the function's names in `tf.compat.v1`, the function of TensorFlow 2 (below `api/`, with a dot before it below `_src/`, or a raw op), and the parameters
in TensorFlow 1's order; `rows.py` says how parameters read. A new line is all that such a function takes, then `tools/gen_api.py`.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.util.export import export_by_name

from .rows import Row

_LINES = """
# Reductions and indices.
reduce_sum math.reduce_sum is math.reduction.reduce_sum: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
reduce_mean math.reduce_mean is math.reduction.reduce_mean: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
reduce_prod math.reduce_prod is math.reduction.reduce_prod: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
reduce_max math.reduce_max is math.reduction.reduce_max: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
reduce_min math.reduce_min is math.reduction.reduce_min: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
reduce_any math.reduce_any is math.reduction.reduce_any: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
reduce_all math.reduce_all is math.reduction.reduce_all: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
reduce_logsumexp math.reduce_logsumexp is math.reduction.reduce_logsumexp: input_tensor axis keepdims=None name reduction_indices>axis keep_dims>keepdims
count_nonzero math.count_nonzero is math.reduction.count_nonzero: input_tensor>input axis keepdims=None dtype name reduction_indices>axis keep_dims>keepdims input=None
norm linalg.norm is math.norms.norm: tensor ord axis keepdims=None name keep_dims>keepdims
argmax math.argmax is math.reduction.argmax: input axis name dimension>axis output_type
arg_max is math.reduction.argmax: input dimension:axis= output_type name
argmin math.argmin is math.reduction.argmin: input axis name dimension>axis output_type
arg_min is math.reduction.argmin: input dimension:axis= output_type name
math.l2_normalize nn.l2_normalize linalg.l2_normalize is math.norms.l2_normalize: x axis epsilon name dim>axis
bincount math.bincount is math.counting.bincount: arr weights minlength maxlength dtype
confusion_matrix math.confusion_matrix is math.counting.confusion_matrix: labels predictions num_classes dtype name weights
nn.in_top_k math.in_top_k is math.sorting.in_top_k: predictions targets k name
to_float is math.elementwise.cast: x name='ToFloat' +dtype=float32
to_double is math.elementwise.cast: x name='ToDouble' +dtype=float64
to_int32 is math.elementwise.cast: x name='ToInt32' +dtype=int32
to_int64 is math.elementwise.cast: x name='ToInt64' +dtype=int64
to_bfloat16 is math.elementwise.cast: x name='ToBFloat16' +dtype=bfloat16
to_complex64 is math.elementwise.cast: x name='ToComplex64' +dtype=complex64
to_complex128 is math.elementwise.cast: x name='ToComplex128' +dtype=complex128
sparse_segment_sum sparse.segment_sum is math.scan.sparse_segment_sum: data indices segment_ids name num_segments sparse_gradient
sparse_segment_mean sparse.segment_mean is math.scan.sparse_segment_mean: data indices segment_ids name num_segments sparse_gradient
sparse_segment_sqrt_n sparse.segment_sqrt_n is math.scan.sparse_segment_sqrt_n: data indices segment_ids name num_segments sparse_gradient

# Making, shaping and indexing.
zeros is array.creation.zeros: shape dtype name layout
zeros_like is array.creation.zeros_like: tensor:input dtype name -optimize=True
ones is array.creation.ones: shape dtype name layout
fill is array.creation.fill: dims value name layout
shape is array.shaping.shape: input name out_type=None
size is array.shaping.size: input name out_type=None
squeeze is array.shaping.squeeze: input axis name squeeze_dims>axis
gather is array.indexing.gather: params indices validate_indices name axis batch_dims
gather_nd manip.gather_nd is array.indexing.gather_nd: params indices name batch_dims bad_indices_policy
boolean_mask is array.indexing.boolean_mask: tensor mask name axis
transpose is array.shaping.transpose: a perm name='transpose' conjugate
pad is array.joining.pad: tensor paddings mode name constant_values
reverse_sequence is array.joining.reverse_sequence: input seq_lengths seq_axis=None batch_axis=None name seq_dim>seq_axis batch_dim>batch_axis
space_to_batch_nd manip.space_to_batch_nd is array.shaping.space_to_batch: input block_shape paddings name
batch_to_space_nd manip.batch_to_space_nd is array.shaping.batch_to_space: input block_shape crops name
space_to_depth nn.space_to_depth is raw.SpaceToDepth: input block_size name data_format
depth_to_space nn.depth_to_space is raw.DepthToSpace: input block_size name data_format
extract_image_patches image.extract_image_patches is raw.ExtractImagePatches: images ksizes>sizes strides=None rates=None padding=None name sizes:ksizes=None
user_ops.my_fact is raw.Fact:

# Assertions. Those of ranks are decided when the graph is built, or print the ranks: they ignore `data`.
assert_rank debugging.assert_rank is debugging.shape_asserts.assert_rank: x rank -data=None -summarize=None message name
assert_rank_at_least debugging.assert_rank_at_least is debugging.shape_asserts.assert_rank_at_least: x rank -data=None -summarize=None message name
assert_rank_in debugging.assert_rank_in is debugging.shape_asserts.assert_rank_in: x ranks -data=None -summarize=None message name
debugging.assert_shapes is debugging.shape_asserts.shapes_checked: shapes data summarize message name
verify_tensor_all_finite debugging.assert_all_finite is debugging.asserts.assert_all_finite: t>x msg>message name x=None message=None

# Images.
image.resize_bilinear is raw.ResizeBilinear: images size align_corners name half_pixel_centers
image.resize_bicubic is raw.ResizeBicubic: images size align_corners name half_pixel_centers
image.resize_nearest_neighbor is raw.ResizeNearestNeighbor: images size align_corners name half_pixel_centers
image.resize_area is raw.ResizeArea: images size align_corners name
image.crop_and_resize is image.geometry.crop_and_resize: image boxes box_ind>box_indices crop_size=None method extrapolation_value=0 name box_indices=None
image.draw_bounding_boxes is image.measures.draw_bounding_boxes: images boxes name colors=None
image.extract_glimpse is raw.ExtractGlimpse: input size offsets centered normalized uniform_noise name

# Activations, losses and moments.
nn.softmax math.softmax is nn.activations.softmax: logits axis name dim>axis
nn.log_softmax math.log_softmax is nn.activations.log_softmax: logits axis name dim>axis
nn.crelu is nn.activations.crelu: features name axis
nn.moments is nn.normalization.moments: x axes shift name keep_dims>keepdims keepdims=None
nn.weighted_moments is nn.normalization.weighted_moments: x axes frequency_weights name keep_dims>keepdims keepdims=None
nn.sufficient_statistics is nn.normalization.sufficient_statistics: x axes shift keep_dims>keepdims name keepdims=None
nn.batch_norm_with_global_normalization is nn.normalization.batch_norm_with_global_normalization: t>input m>mean v>variance beta=None gamma=None variance_epsilon=None scale_after_normalization=None name input=None mean=None variance=None
nn.sigmoid_cross_entropy_with_logits is nn.losses.sigmoid_cross_entropy_with_logits: labels=None logits=None name
nn.sparse_softmax_cross_entropy_with_logits is nn.losses.sparse_softmax_cross_entropy_with_logits: labels=None logits=None name
nn.weighted_cross_entropy_with_logits is nn.losses.weighted_cross_entropy_with_logits: labels=None logits=None pos_weight=None name targets>labels
nn.softmax_cross_entropy_with_logits_v2 is nn.losses.softmax_cross_entropy_with_logits: labels logits axis=None name dim>axis

# Convolutions and windows.
nn.conv1d is nn.convolution.conv1d: value>input filters=None stride=None padding=None -use_cudnn_on_gpu=None data_format=None name input=None dilations
nn.conv2d is nn.convolution.conv2d: input filter>filters strides=None padding=None -use_cudnn_on_gpu=True data_format dilations=[1,1,1,1] name filters=None
nn.conv3d is nn.convolution.conv3d: input filter>filters strides=None padding=None data_format dilations=[1,1,1,1,1] name filters=None
nn.convolution is nn.convolution.convolution: input filter>filters= padding= strides=None dilation_rate>dilations name data_format filters=None dilations
nn.depthwise_conv2d is nn.convolution.depthwise_conv2d: input filter strides padding rate>dilations name data_format dilations
nn.separable_conv2d is nn.convolution.separable_conv2d: input depthwise_filter pointwise_filter strides padding rate>dilations name data_format dilations
nn.conv2d_transpose is nn.convolution.conv2d_transpose: value>input filter>filters output_shape=None strides=None padding data_format name input=None filters=None dilations
nn.conv3d_transpose is nn.convolution.conv3d_transpose: value>input= filter>filters output_shape=None strides=None padding data_format name input=None filters=None dilations
nn.conv3d_backprop_filter nn.conv3d_backprop_filter_v2 is raw.Conv3DBackpropFilterV2: input filter_sizes out_backprop strides padding data_format dilations name
nn.max_pool is nn.pooling.max_pool2d: value>input= ksize strides padding data_format name input=None
nn.avg_pool nn.avg_pool2d is nn.pooling.avg_pool2d: value>input= ksize strides padding data_format name input=None
nn.pool is nn.pooling.pool: input window_shape pooling_type padding= dilation_rate>dilations strides name data_format dilations
nn.dilation2d is nn.pooling.dilation2d: input filter>filters strides=None rates>dilations padding=None name filters=None dilations=None +data_format='NHWC'
nn.erosion2d is nn.pooling.erosion2d: value kernel:filters strides rates:dilations padding name +data_format='NHWC'
nn.fractional_avg_pool is raw.FractionalAvgPool: value pooling_ratio pseudo_random overlapping deterministic seed seed2 name
nn.quantized_avg_pool is raw.QuantizedAvgPool: input min_input max_input ksize strides padding name
nn.fractional_max_pool is raw.FractionalMaxPool: value pooling_ratio pseudo_random overlapping deterministic seed seed2 name
nn.quantized_max_pool is raw.QuantizedMaxPool: input min_input max_input ksize strides padding name
nn.quantized_conv2d is raw.QuantizedConv2D: input filter min_input max_input min_filter max_filter strides padding out_type dilations name
nn.quantized_relu_x is raw.QuantizedReluX: features max_value min_features max_features out_type name

# Sparse tensors.
sparse_add sparse.add is sparse.arithmetic.add: a b threshold=None thresh>threshold
sparse_reduce_max sparse.reduce_max is sparse.arithmetic.reduce_max: sp_input axis keepdims=None reduction_axes>axis keep_dims>keepdims +output_is_sparse=False
sparse_reduce_max_sparse sparse.reduce_max_sparse is sparse.arithmetic.reduce_max: sp_input axis keepdims=None reduction_axes>axis keep_dims>keepdims +output_is_sparse=True
sparse_reduce_sum sparse.reduce_sum is sparse.arithmetic.reduce_sum: sp_input axis keepdims=None reduction_axes>axis keep_dims>keepdims +output_is_sparse=False
sparse_reduce_sum_sparse sparse.reduce_sum_sparse is sparse.arithmetic.reduce_sum: sp_input axis keepdims=None reduction_axes>axis keep_dims>keepdims +output_is_sparse=True
sparse_matmul is raw.SparseMatMul: a b transpose_a transpose_b a_is_sparse b_is_sparse name
serialize_sparse io.serialize_sparse is io.parsing.serialize_sparse: sp_input name out_type
serialize_many_sparse io.serialize_many_sparse is io.parsing.serialize_many_sparse: sp_input name out_type

# Strings and records.
string_to_hash_bucket strings.to_hash_bucket is strings.functions.to_hash_bucket: string_tensor>input num_buckets=None name input=None
string_to_number strings.to_number is strings.functions.to_number: string_tensor>input out_type name input=None
strings.length is strings.functions.length: input name unit
strings.substr is strings.functions.substr: input pos len name unit
substr is strings.functions.substr: input pos len name unit
reduce_join strings.reduce_join is strings.functions.reduce_join: inputs axis keep_dims>keepdims separator name reduction_indices>axis keepdims=None
decode_raw io.decode_raw is raw.DecodeRaw: input_bytes:bytes=None out_type=None little_endian name bytes>input_bytes
parse_example io.parse_example is io.parsing.parse_example: serialized features name example_names
parse_single_example io.parse_single_example is io.parsing.parse_single_example: serialized features name example_names
decode_csv io.decode_csv is io.records.decode_csv: records record_defaults field_delim use_quote_delim name na_value select_cols

# Random numbers.
multinomial random.multinomial is random.functions.categorical: logits num_samples seed name output_dtype:dtype
random.stateless_multinomial is random.functions.stateless_categorical: logits num_samples seed output_dtype:dtype name

# Files.
gfile.Copy is io.gfile.copy: oldpath:src newpath:dst overwrite
gfile.DeleteRecursively is io.gfile.rmtree: dirname:path
gfile.Exists is io.gfile.exists: filename:path
gfile.Glob is io.gfile.glob: filename:pattern
gfile.IsDirectory is io.gfile.isdir: dirname:path
gfile.ListDirectory is io.gfile.listdir: dirname:path
gfile.MakeDirs is io.gfile.makedirs: dirname:path
gfile.MkDir is io.gfile.mkdir: dirname:path
gfile.Remove is io.gfile.remove: filename:path
gfile.Stat is io.gfile.stat: filename:path
gfile.Rename is io.gfile.rename: oldname:src newname:dst overwrite
gfile.Walk is io.gfile.walk: top in_order:topdown=True

# Gradients, scopes, functions of Python and columns of features.
hessians is gradients.hessians: ys xs name='hessians' -colocate_gradients_with_ops=False gate_gradients aggregation_method
tuple is control.scopes.tuple: tensors name control_inputs
control_dependencies is control.scopes.control_dependencies: control_inputs
py_func is python_function.numpy_function: func= inp= Tout= stateful name
Print is raw.Print: input_:input data message=None first_n=None summarize=None name
quantize_v2 is quantization.quantize: input min_range max_range T mode name round_mode narrow_range axis ensure_minimum_range
autograph.to_graph is .function.autograph.public.to_graph: entity recursive -arg_values=None -arg_types=None experimental_optional_features
autograph.to_code is .function.autograph.public.to_code: entity recursive -arg_values=None -arg_types=None -indentation='\\x20\\x20' experimental_optional_features
train.update_checkpoint_state is .saving.state.update_checkpoint_state: save_dir model_checkpoint_path all_model_checkpoint_paths latest_filename all_model_checkpoint_timestamps last_preserved_timestamp

# Linear models by stochastic dual coordinate ascent.
train.sdca_optimizer is raw.SdcaOptimizer: sparse_example_indices sparse_feature_indices sparse_feature_values dense_features example_weights example_labels sparse_indices sparse_weights dense_weights example_state_data loss_type l1 l2 num_loss_partitions num_inner_iterations adaptative name
train.sdca_shrink_l1 is raw.SdcaShrinkL1: weights l1 l2 name
train.sdca_fprint is raw.SdcaFprint: input name
"""
_ROWS: dict[str, Row] = {}

for _line in _LINES.splitlines():
    if _line and not _line.startswith("#"):
        _names, _, _rest = _line.partition(" is ")
        _target, _, _parameters = _rest.partition(":")
        _attribute = _names.split()[0].replace(".", "_")  # from its first name, which is unique
        _ROWS[_attribute] = Row(_target, tuple(_names.split()), _parameters)
        export_by_name(__name__, _attribute, v1=_names.split())


def __getattr__(attribute: str) -> Callable[..., Any]:
    if attribute not in _ROWS:
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    function = globals()[attribute] = _ROWS[attribute].make(__name__, attribute)
    return function


def _alike(module: str, names: str, prefix: str = "") -> None:
    """Makes functions of TensorFlow 2 public unchanged, under additional names."""
    for name in names.split():
        export_by_name(f"penstock._src.api.{module}", name, v1=[prefix + name])


_alike(
    "math.elementwise",
    "ceil digamma erf erfc expm1 is_finite is_inf is_nan lgamma log log1p reciprocal rint rsqrt",
)
_alike("math.activations", "log_sigmoid")
_alike("math.complex_numbers", "angle conj imag real")
_alike("math.elementwise", "is_finite is_inf is_nan", "debugging.")
_alike("debugging.shape_asserts", "assert_type")
_alike("debugging.shape_asserts", "assert_type", "debugging.")
_alike("linalg.decompositions", "cholesky_solve")
_alike("linalg.decompositions", "cholesky_solve", "linalg.")
_alike("control.scopes", "variable_creator_scope")
