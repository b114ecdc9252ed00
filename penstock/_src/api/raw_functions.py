"""Raw ops that are also public functions, directly under `tf.`."""

from penstock._src.api.extending.op_functions import op_functions

__getattr__ = op_functions(
    globals(),
    dispatchable="""
approx_top_k = ApproxTopK(input, k, reduction_dimension=-1, recall_target=0.95, is_max_k=True, reduction_input_size_override=-1, aggregate_to_topk=True)
    The `k` largest (or smallest) entries along a dimension, with their indices.

    Args:
      input: a float tensor.
      k: how many.
      reduction_dimension: the dimension.
      recall_target: the share of the true ones that is asked for; here all are found.
      is_max_k: whether the largest are meant.
      reduction_input_size_override: accepted; it tunes other devices.
      aggregate_to_topk: whether exactly `k` are returned.
      name: of the operation.

    Returns:
      (values, indices): a tuple of that many entries each; indices are int32.
conv = Conv(input, filter, strides, padding, explicit_paddings=[], data_format="CHANNELS_LAST", dilations=[], batch_dims=1, groups=1)
    A convolution over two or three spatial dimensions.

    Args:
      input: [batch..., spatial..., channels], or channels before the spatial dimensions.
      filter: [spatial..., channels / groups, output channels].
      strides: one per dimension of the input, with one batch dimension.
      padding: "SAME", "VALID" or "EXPLICIT".
      explicit_paddings: what is added before and after each dimension, flat.
      data_format: "CHANNELS_LAST" or "CHANNELS_FIRST".
      dilations: one per dimension, or none.
      batch_dims: how many leading dimensions are batches.
      groups: how many groups channels form.
      name: of the operation.

    Returns:
      `[batch..., spatial'..., output channels]`, or with channels before the spatial dimensions, of
      the dtype of `input`.
conv2d_backprop_filter_v2 = Conv2DBackpropFilterV2(input, filter, out_backprop, strides, padding, use_cudnn_on_gpu=True, explicit_paddings=[], data_format="NHWC", dilations=[1, 1, 1, 1])
    The gradient of a 2-D convolution by its filter; only the filter's shape matters.

    Args:
      input: `[batch, height, width, c]`, floats: the convolution's input.
      filter: `[height, width, c, c_out]`; only its shape is used.
      out_backprop: `[batch, height', width', c_out]`: the gradient of the convolution's output.
      strides: four ints.
      padding: "SAME", "VALID" or "EXPLICIT".
      use_cudnn_on_gpu: accepted for compatibility.
      explicit_paddings: what is added before and after each axis, eight ints, for "EXPLICIT".
      data_format: "NHWC" or "NCHW".
      dilations: four ints.
      name: of the operation.

    Returns:
      A tensor of the shape of `filter` and the dtype of `input`.
conv2d_backprop_input_v2 = Conv2DBackpropInputV2(input, filter, out_backprop, strides, padding, use_cudnn_on_gpu=True, explicit_paddings=[], data_format="NHWC", dilations=[1, 1, 1, 1])
    The gradient of a 2-D convolution by its input; only the input's shape matters.

    Args:
      input: `[batch, height, width, c]`; only its shape is used.
      filter: `[height, width, c, c_out]`, floats.
      out_backprop: `[batch, height', width', c_out]`: the gradient of the convolution's output.
      strides, padding, use_cudnn_on_gpu, explicit_paddings, data_format, dilations, name: as
        `tf.conv2d_backprop_filter_v2`'s.

    Returns:
      A tensor of the shape of `input` and the dtype of `filter`.
ragged_fill_empty_rows = RaggedFillEmptyRows(value_rowids, values, nrows, default_value)
    Gives each empty row one default value.

    Args:
      value_rowids: for each value the row it is in, ascending.
      values: the values.
      nrows: the number of rows.
      default_value: a scalar.
      name: of the operation.

    Returns:
      (output_value_rowids, output_values, empty_row_indicator, reverse_index_map), the last one
      telling for each value of the input where it is in the output.
ragged_fill_empty_rows_grad = RaggedFillEmptyRowsGrad(reverse_index_map, grad_values)
    The gradients of `ragged_fill_empty_rows`: (d_values, d_default_value).

    Args:
      reverse_index_map: int64: what `ragged_fill_empty_rows` returned.
      grad_values: the gradient of its `output_values`.
      name: of the operation.

    Returns:
      A named tuple: the gradients of `values` and of `default_value`, a scalar.
io.decode_proto = DecodeProtoV2(bytes, message_type, field_names, output_types, descriptor_source="local://", message_format="binary", sanitize=False)
    The fields of serialized messages.

    Args:
      bytes: a string tensor of any shape.
      message_type: the full name of the message type.
      field_names: the fields wanted; extensions by their full names.
      output_types: a type per field.
      descriptor_source: "local://" for the messages linked into the process, the path of a
        FileDescriptorSet, or "bytes://" with one.
      message_format: "binary" or "text".
      sanitize: whether unknown fields are dropped first.
      name: of the operation.

    Returns:
      (sizes, values): how often each field occurs, [..., fields]; and per field a tensor
      [..., most occurrences].
io.encode_proto = EncodeProto(sizes, values, field_names, message_type, descriptor_source="local://")
    Serialized messages of their fields; see `decode_proto`.

    Args:
      sizes: int32, [..., fields]: how many values of each field a message takes.
      values: per field a tensor [..., most occurrences].
      field_names: the fields.
      message_type: the full name of the message type.
      descriptor_source: where the type is described.
      name: of the operation.

    Returns:
      A string tensor of the shape of `sizes` without its last axis.
fftnd = FFTND(input, fft_length, axes)
    The transform along `axes`, of lengths `fft_length`.

    Args:
      input: complex64 or complex128.
      fft_length: int32 `[n]`: the lengths to which the axes are cut or padded with zeros.
      axes: int32 `[n]`.
      name: of the operation.

    Returns:
      A tensor of the dtype of `input`.
ifftnd = IFFTND(input, fft_length, axes)
    The inverse transform along `axes`, of lengths `fft_length`.

    Args:
      input, fft_length, axes, name: as `tf.fftnd`'s.

    Returns:
      A tensor of the dtype of `input`.
rfftnd = RFFTND(input, fft_length, axes, Tcomplex=dtypes.complex64)
    The half spectrum of real numbers along `axes`, of lengths `fft_length`.

    Args:
      input: float32 or float64.
      fft_length, axes: as `tf.fftnd`'s.
      Tcomplex: of the result: complex64 or complex128.
      name: of the operation.

    Returns:
      A tensor of dtype `Tcomplex`, with `fft_length // 2 + 1` entries along the last of `axes`.
irfftnd = IRFFTND(input, fft_length, axes, Treal=dtypes.float32)
    The inverse transform of a half spectrum along `axes` to real numbers, of lengths `fft_length`.

    Args:
      input: complex64 or complex128.
      fft_length, axes: as `tf.fftnd`'s.
      Treal: of the result: float32 or float64.
      name: of the operation.

    Returns:
      A tensor of dtype `Treal`.
fingerprint = Fingerprint(data, method="farmhash64")
    An 8-byte hash of each entry of the first axis, as bytes.

    Args:
      data: `[n, ...]` of any dtype.
      method: "farmhash64".
      name: of the operation.

    Returns:
      A uint8 tensor `[n, 8]`.
random_index_shuffle = RandomIndexShuffle(index, seed, max_index, rounds=4)
    The position of `index` in a random permutation of 0 ... max_index.

    Args:
      index: a scalar or vector of int32, uint32, int64 or uint64.
      seed: integers `[3]`, or a row of them for each index.
      max_index: a scalar or vector of the dtype of `index`.
      rounds: of the cipher, an even int; with more the permutation is more irregular.
      name: of the operation.

    Returns:
      A tensor of the shape and dtype of `index`.
check_pinned = Identity(tensor: input)
    `tensor`; accepted for compatibility, as pinned host memory is not distinguished.

    Args:
      tensor: any dtype.
      name: of the operation.

    Returns:
      A tensor equal to it.
""",
)
