"""The functions of compat.v1 that differ from TensorFlow 2's by their parameters alone, a row each.

`rows.py` says how a row reads. A new row is all that such a function takes: `tools/gen_api.py` makes it public.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.util.export import export_by_name

from .rows import Row

_ROWS: dict[str, Row] = {}


def _row(target: str, names: str, parameters: str, **fixed: Any) -> None:
    """Adds a function under `names`; the first gives it its own name."""
    public = names.split()
    attribute = public[0].replace(".", "_")
    assert attribute not in _ROWS, attribute
    _ROWS[attribute] = Row(target, tuple(public), parameters, fixed)
    export_by_name(__name__, attribute, v1=public)


def _alike(module: str, names: str, prefix: str = "") -> None:
    """Makes functions of TensorFlow 2 public as they are, under further names."""
    for name in names.split():
        export_by_name(f"penstock._src.api.{module}", name, v1=[prefix + name])


def __getattr__(attribute: str) -> Callable[..., Any]:
    if attribute not in _ROWS:
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    function = globals()[attribute] = _ROWS[attribute].make(__name__, attribute)
    return function


# As TensorFlow 2 has them.
_alike(
    "math.elementwise",
    "angle ceil conj digamma erf erfc expm1 imag is_finite is_inf is_nan lgamma log log1p log_sigmoid real reciprocal "
    "rint rsqrt",
)
_alike("math.elementwise", "is_finite is_inf is_nan", "debugging.")
_alike("debugging.shape_asserts", "assert_integer assert_type")
_alike("debugging.shape_asserts", "assert_integer assert_type", "debugging.")
_alike("linalg.decompositions", "cholesky_solve")
_alike("linalg.decompositions", "cholesky_solve", "linalg.")
_alike("scopes", "variable_creator_scope")

# Reductions and indices.
_OVER = "axis keepdims=None name reduction_indices>axis keep_dims>keepdims"
for _name in "sum mean prod max min any all logsumexp".split():
    _row(
        f"math.reduction.reduce_{_name}",
        f"reduce_{_name} math.reduce_{_name}",
        f"input_tensor {_OVER}",
    )
_row(
    "math.reduction.count_nonzero",
    "count_nonzero math.count_nonzero",
    "input_tensor>input axis keepdims=None dtype name reduction_indices>axis keep_dims>keepdims input=None",
)
_row(
    "math.reduction.norm",
    "norm linalg.norm",
    "tensor ord axis keepdims=None name keep_dims>keepdims",
)
for _name in ("argmax", "argmin"):
    _row(
        f"math.reduction.{_name}",
        f"{_name} math.{_name}",
        "input axis name dimension>axis output_type",
    )
    _row(
        f"math.reduction.{_name}",
        f"arg_{_name[3:]}",
        "input dimension:axis= output_type name",
    )
_row(
    "math.reduction.l2_normalize",
    "math.l2_normalize nn.l2_normalize linalg.l2_normalize",
    "x axis epsilon name dim>axis",
)
_row("math.counting.bincount", "bincount math.bincount", "arr weights minlength maxlength dtype")
_row(
    "math.counting.confusion_matrix",
    "confusion_matrix math.confusion_matrix",
    "labels predictions num_classes dtype name weights",
)
_row("math.sorting.in_top_k", "nn.in_top_k math.in_top_k", "predictions targets k name")
for _name, _shown in dict(
    float32="ToFloat", float64="ToDouble", int32="ToInt32", int64="ToInt64", bfloat16="ToBFloat16",
    complex64="ToComplex64", complex128="ToComplex128",
).items():  # fmt: skip
    _row("math.elementwise.cast", f"to_{_shown[2:].lower()}", f"x name='{_shown}'", dtype=_name)
_row("raw.FloorDiv", "floor_div", "x y name")
for _name in ("sum", "mean", "sqrt_n"):
    _row(
        f"math.scan.sparse_segment_{_name}",
        f"sparse_segment_{_name} sparse.segment_{_name}",
        "data indices segment_ids name num_segments sparse_gradient",
    )

# Making, shaping and indexing.
for _name in ("zeros", "ones"):
    _row(f"array.creation.{_name}", _name, "shape dtype name layout")
    _row(f"array.creation.{_name}_like", f"{_name}_like", "tensor:input dtype name -optimize=True")
_row("array.creation.fill", "fill", "dims value name layout")
for _name in ("shape", "size"):
    _row(f"array.shaping.{_name}", _name, "input name out_type=None")
_row("array.shaping.squeeze", "squeeze", "input axis name squeeze_dims>axis")
_row("array.indexing.gather", "gather", "params indices validate_indices name axis batch_dims")
_row(
    "array.indexing.gather_nd",
    "gather_nd manip.gather_nd",
    "params indices name batch_dims bad_indices_policy",
)
_row("array.indexing.boolean_mask", "boolean_mask", "tensor mask name axis")
_row("array.shaping.transpose", "transpose", "a perm name='transpose' conjugate")
_row("array.joining.pad", "pad", "tensor paddings mode name constant_values")
_row(
    "array.joining.reverse_sequence",
    "reverse_sequence",
    "input seq_lengths seq_axis=None batch_axis=None name seq_dim>seq_axis batch_dim>batch_axis",
)
_row(
    "array.shaping.space_to_batch",
    "space_to_batch_nd manip.space_to_batch_nd",
    "input block_shape paddings name",
)
_row(
    "array.shaping.batch_to_space",
    "batch_to_space_nd manip.batch_to_space_nd",
    "input block_shape crops name",
)
_row("raw.SpaceToDepth", "space_to_depth nn.space_to_depth", "input block_size name data_format")
_row("raw.DepthToSpace", "depth_to_space nn.depth_to_space", "input block_size name data_format")
_row(
    "raw.ExtractImagePatches",
    "extract_image_patches image.extract_image_patches",
    "images ksizes>sizes strides=None rates=None padding=None name sizes:ksizes=None",
)
_row("raw.Fact", "user_ops.my_fact", "")

# Assertions; `data`, what TensorFlow 1 lets a failing assertion print besides the values, has no effect.
_ALSO = "-data=None summarize message name"
for _name in "equal none_equal less less_equal greater greater_equal".split():
    _row(
        f"debugging.asserts.assert_{_name}",
        f"assert_{_name} debugging.assert_{_name}",
        f"x y {_ALSO}",
    )
for _name in "negative positive non_negative non_positive".split():
    _row(
        f"debugging.asserts.assert_{_name}",
        f"assert_{_name} debugging.assert_{_name}",
        f"x {_ALSO}",
    )
_row("debugging.asserts.assert_near", "assert_near debugging.assert_near", f"x y rtol atol {_ALSO}")
for _name, _of in dict(rank="rank", rank_at_least="rank", rank_in="ranks").items():
    _row(
        f"debugging.shape_asserts.assert_{_name}",
        f"assert_{_name} debugging.assert_{_name}",
        f"x {_of} -data=None -summarize=None message name",
    )
_row(
    "debugging.shape_asserts.assert_shapes",
    "debugging.assert_shapes",
    "shapes data summarize message name",
)
_row(
    "debugging.asserts.assert_all_finite",
    "verify_tensor_all_finite debugging.assert_all_finite",
    "t>x msg>message name x=None message=None",
)

# Images.
for _name, _op in dict(
    bilinear="Bilinear", bicubic="Bicubic", nearest_neighbor="NearestNeighbor"
).items():
    _row(
        f"raw.Resize{_op}",
        f"image.resize_{_name}",
        "images size align_corners name half_pixel_centers",
    )
_row("raw.ResizeArea", "image.resize_area", "images size align_corners name")
_row(
    "image.geometry.crop_and_resize",
    "image.crop_and_resize",
    "image boxes box_ind>box_indices crop_size=None method extrapolation_value=0 name box_indices=None",
)
_row(
    "image.measures.draw_bounding_boxes",
    "image.draw_bounding_boxes",
    "images boxes name colors=None",
)
_row(
    "raw.ExtractGlimpse",
    "image.extract_glimpse",
    "input size offsets centered normalized uniform_noise name",
)

# Activations, losses and moments.
for _name in ("softmax", "log_softmax"):
    _row(f"nn.activations.{_name}", f"nn.{_name} math.{_name}", "logits axis name dim>axis")
_row("nn.activations.crelu", "nn.crelu", "features name axis")
_row("nn.normalization.moments", "nn.moments", "x axes shift name keep_dims>keepdims keepdims=None")
_row(
    "nn.normalization.weighted_moments",
    "nn.weighted_moments",
    "x axes frequency_weights name keep_dims>keepdims keepdims=None",
)
_row(
    "nn.normalization.sufficient_statistics",
    "nn.sufficient_statistics",
    "x axes shift keep_dims>keepdims name keepdims=None",
)
_row(
    "nn.normalization.batch_norm_with_global_normalization",
    "nn.batch_norm_with_global_normalization",
    "t>input m>mean v>variance beta=None gamma=None variance_epsilon=None scale_after_normalization=None name "
    "input=None mean=None variance=None",
)
_row(
    "nn.losses.sigmoid_cross_entropy_with_logits",
    "nn.sigmoid_cross_entropy_with_logits",
    "labels=None logits=None name",
)
_row(
    "nn.losses.sparse_softmax_cross_entropy_with_logits",
    "nn.sparse_softmax_cross_entropy_with_logits",
    "labels=None logits=None name",
)
_row(
    "nn.losses.weighted_cross_entropy_with_logits",
    "nn.weighted_cross_entropy_with_logits",
    "labels=None logits=None pos_weight=None name targets>labels",
)
_row(
    "nn.losses.softmax_cross_entropy_with_logits",
    "nn.softmax_cross_entropy_with_logits_v2",
    "labels logits axis=None name dim>axis",
)

# Convolutions and windows.
_row(
    "nn.convolution.conv1d",
    "nn.conv1d",
    "value>input filters=None stride=None padding=None -use_cudnn_on_gpu=None data_format=None name input=None dilations",
)
_row(
    "nn.convolution.conv2d",
    "nn.conv2d",
    "input filter>filters strides=None padding=None -use_cudnn_on_gpu=True data_format dilations=[1,1,1,1] name "
    "filters=None",
)
_row(
    "nn.convolution.conv3d",
    "nn.conv3d",
    "input filter>filters strides=None padding=None data_format dilations=[1,1,1,1,1] name filters=None",
)
_row(
    "nn.convolution.convolution",
    "nn.convolution",
    "input filter>filters= padding= strides=None dilation_rate>dilations name data_format filters=None dilations",
)
_row(
    "nn.convolution.depthwise_conv2d",
    "nn.depthwise_conv2d",
    "input filter strides padding rate>dilations name data_format dilations",
)
_row(
    "nn.convolution.separable_conv2d",
    "nn.separable_conv2d",
    "input depthwise_filter pointwise_filter strides padding rate>dilations name data_format dilations",
)
_row(
    "nn.convolution.conv2d_transpose",
    "nn.conv2d_transpose",
    "value>input filter>filters output_shape=None strides=None padding data_format name input=None filters=None dilations",
)
_row(
    "nn.convolution.conv3d_transpose",
    "nn.conv3d_transpose",
    "value>input= filter>filters output_shape=None strides=None padding data_format name input=None filters=None dilations",
)
_row(
    "raw.Conv3DBackpropFilterV2",
    "nn.conv3d_backprop_filter nn.conv3d_backprop_filter_v2",
    "input filter_sizes out_backprop strides padding data_format dilations name",
)
_row(
    "nn.pooling.max_pool2d",
    "nn.max_pool",
    "value>input= ksize strides padding data_format name input=None",
)
_row(
    "nn.pooling.avg_pool2d",
    "nn.avg_pool nn.avg_pool2d",
    "value>input= ksize strides padding data_format name input=None",
)
_row(
    "nn.pooling.pool",
    "nn.pool",
    "input window_shape pooling_type padding= dilation_rate>dilations strides name data_format dilations",
)
_row(
    "nn.pooling.dilation2d",
    "nn.dilation2d",
    "input filter>filters strides=None rates>dilations padding=None name filters=None dilations=None",
    data_format="NHWC",
)
_row(
    "nn.pooling.erosion2d",
    "nn.erosion2d",
    "value kernel:filters strides rates:dilations padding name",
    data_format="NHWC",
)
for _name, _op in dict(avg="Avg", max="Max").items():
    _row(
        f"raw.Fractional{_op}Pool",
        f"nn.fractional_{_name}_pool",
        "value pooling_ratio pseudo_random overlapping deterministic seed seed2 name",
    )
    _row(
        f"raw.Quantized{_op}Pool",
        f"nn.quantized_{_name}_pool",
        "input min_input max_input ksize strides padding name",
    )
_row(
    "raw.QuantizedConv2D",
    "nn.quantized_conv2d",
    "input filter min_input max_input min_filter max_filter strides padding out_type dilations name",
)

_row(
    "raw.QuantizedReluX",
    "nn.quantized_relu_x",
    "features max_value min_features max_features out_type name",
)

# Sparse tensors.
_row("sparse.functions.add", "sparse_add sparse.add", "a b threshold=None thresh>threshold")
for _name in ("max", "sum"):
    _words = "sp_input axis keepdims=None reduction_axes>axis keep_dims>keepdims"
    _target, _names = (
        f"sparse.functions.reduce_{_name}",
        f"sparse_reduce_{_name} sparse.reduce_{_name}",
    )
    _row(_target, _names, _words, output_is_sparse=False)
    _row(_target, " ".join(f"{n}_sparse" for n in _names.split()), _words, output_is_sparse=True)
_row(
    "raw.SparseMatMul",
    "sparse_matmul",
    "a b transpose_a transpose_b a_is_sparse b_is_sparse name",
)
_row(
    "io.parsing.serialize_sparse", "serialize_sparse io.serialize_sparse", "sp_input name out_type"
)
_row(
    "io.parsing.serialize_many_sparse",
    "serialize_many_sparse io.serialize_many_sparse",
    "sp_input name out_type",
)

# Strings and records.
_row(
    "strings.functions.to_hash_bucket",
    "string_to_hash_bucket strings.to_hash_bucket",
    "string_tensor>input num_buckets=None name input=None",
)
_row(
    "strings.functions.to_number",
    "string_to_number strings.to_number",
    "string_tensor>input out_type name input=None",
)
_row("strings.functions.length", "strings.length", "input name unit")
_row("strings.functions.substr", "strings.substr", "input pos len name unit")
_row("strings.functions.substr", "substr", "input pos len name unit")
_row(
    "strings.functions.reduce_join",
    "reduce_join strings.reduce_join",
    "inputs axis keep_dims>keepdims separator name reduction_indices>axis keepdims=None",
)
_row(
    "raw.DecodeRaw",
    "decode_raw io.decode_raw",
    "input_bytes:bytes=None out_type=None little_endian name bytes>input_bytes",
)
_row(
    "io.parsing.parse_example",
    "parse_example io.parse_example",
    "serialized features name example_names",
)
_row(
    "io.parsing.parse_single_example",
    "parse_single_example io.parse_single_example",
    "serialized features name example_names",
)
_row(
    "io.records.decode_csv",
    "decode_csv io.decode_csv",
    "records record_defaults field_delim use_quote_delim name na_value select_cols",
)

# Random numbers.
_row(
    "random.functions.categorical",
    "multinomial random.multinomial",
    "logits num_samples seed name output_dtype:dtype",
)
_row(
    "random.functions.stateless_categorical",
    "random.stateless_multinomial",
    "logits num_samples seed output_dtype:dtype name",
)

# Files.
_row("io.gfile.copy", "gfile.Copy", "oldpath:src newpath:dst overwrite")
for _name, _word in dict(
    DeleteRecursively="rmtree dirname:path", Exists="exists filename:path", Glob="glob filename:pattern",
    IsDirectory="isdir dirname:path", ListDirectory="listdir dirname:path", MakeDirs="makedirs dirname:path",
    MkDir="mkdir dirname:path", Remove="remove filename:path", Stat="stat filename:path",
).items():  # fmt: skip
    _row(f"io.gfile.{_word.split()[0]}", f"gfile.{_name}", _word.split()[1])
_row("io.gfile.rename", "gfile.Rename", "oldname:src newname:dst overwrite")
_row("io.gfile.walk", "gfile.Walk", "top in_order:topdown=True")

# Linear models by stochastic dual coordinate ascent.
_row(
    "raw.SdcaOptimizer",
    "train.sdca_optimizer",
    "sparse_example_indices sparse_feature_indices sparse_feature_values dense_features example_weights example_labels "
    "sparse_indices sparse_weights dense_weights example_state_data loss_type l1 l2 num_loss_partitions "
    "num_inner_iterations adaptative name",
)
_row("raw.SdcaShrinkL1", "train.sdca_shrink_l1", "weights l1 l2 name")
_row("raw.SdcaFprint", "train.sdca_fprint", "input name")
