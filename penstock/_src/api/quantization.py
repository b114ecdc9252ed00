"""tf.quantization: quantized numbers, and fake quantization for training."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def _v1(name):
    return [f"quantization.{name}", name]


def _axis_of(input, axis):
    """The attribute `axis` of an op: -1 for one range; axes are counted from the front.

    Raises:
      ValueError: a negative axis of a tensor of unknown rank.
    """
    if axis is None or axis >= 0:
        return -1 if axis is None else axis
    rank = convert_to_tensor(input).shape.rank
    if rank is None:
        raise ValueError("input should have known rank to use negative axis.")
    return axis % rank if rank else axis


@dispatchable("quantization.quantized_concat", v1=_v1("quantized_concat"))
def quantized_concat(concat_dim, values, input_mins, input_maxes, name=None):
    """Quantized tensors concatenated, with common bounds.

    Args:
      concat_dim: the axis, an int32 scalar.
      values: a list of tensors of one quantized dtype.
      input_mins, input_maxes: lists of the bounds of their ranges.
      name: of the operation.

    Returns:
      A named tuple: `output`, and its bounds `output_min` and `output_max`.
    """
    return raw.QuantizedConcat(
        concat_dim=concat_dim,
        values=[convert_to_tensor(v) for v in values],
        input_mins=[convert_to_tensor(np.float32(m)) for m in input_mins],
        input_maxes=[convert_to_tensor(np.float32(m)) for m in input_maxes],
        name=name,
    )


__getattr__ = op_functions(
    globals(),
    dispatchable="""
quantization.fake_quant_with_min_max_vars +fake_quant_with_min_max_vars = FakeQuantWithMinMaxVars(inputs, min, max, num_bits=8, narrow_range=False)
    Returns `inputs` rounded to the values that a small integer could stand for.

    The range is moved a little so that 0 is one of the values. The gradient passes where inputs
    lie in the range; the rest goes to `min` and `max`.

    Args:
      inputs: float32.
      min: a float32 scalar: the lower end of the range.
      max: a float32 scalar: the upper end of the range.
      num_bits: from 2 to 16.
      narrow_range: whether the lowest integer is left out.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `inputs`.

    >>> tf.quantization.fake_quant_with_min_max_vars([0.3, 2.0, 9.0], 0.0, 3.0, num_bits=2).numpy()
    array([0., 2., 3.], dtype=float32)
quantization.fake_quant_with_min_max_vars_per_channel +fake_quant_with_min_max_vars_per_channel = FakeQuantWithMinMaxVarsPerChannel(inputs, min, max, num_bits=8, narrow_range=False)
    Returns `inputs` rounded to the values of small integers, with a range for each channel.

    Args:
      inputs: float32 `[..., channels]`.
      min: float32 `[channels]`: the lower ends.
      max: float32 `[channels]`: the upper ends.
      num_bits: from 2 to 16.
      narrow_range: whether the lowest integer is left out.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `inputs`.

    Raises:
      InvalidArgumentError: the ends are not as many as channels.

    >>> fake = tf.quantization.fake_quant_with_min_max_vars_per_channel
    >>> fake([[0.3, 9.0]], [0.0, 0.0], [3.0, 3.0], num_bits=2).numpy()
    array([[0., 3.]], dtype=float32)
quantization.fake_quant_with_min_max_args +fake_quant_with_min_max_args = FakeQuantWithMinMaxArgs(inputs, min=-6, max=6, num_bits=8, narrow_range=False)
    `inputs` rounded to `num_bits` levels between two numbers.

    Args:
      inputs: float32, of any shape.
      min, max: the bounds of the range, numbers; they are moved so that 0 is a level.
      num_bits: from 2 to 16; there are `2 ** num_bits` levels.
      narrow_range: whether there is one level less.
      name: of the operation.

    Returns:
      A float32 tensor of the same shape.
quantization.quantize_and_dequantize_v2 +quantize_and_dequantize_v4 = QuantizeAndDequantizeV4(input, input_min, input_max, signed_input=True, num_bits=8, range_given=False, round_mode="HALF_TO_EVEN", name=None, narrow_range=False, axis: _axis_of(input, axis)=None)
    Quantizes and dequantizes floats; gradients outside the range are zero.

    Args:
      input, input_min, input_max, signed_input, num_bits, range_given, round_mode, name,
        narrow_range, axis: as `tf.quantization.quantize_and_dequantize`'s.

    Returns:
      A tensor of the shape and dtype of `input`.
quantization.quantize_and_dequantize = QuantizeAndDequantizeV2(input, input_min, input_max, signed_input=True, num_bits=8, range_given=False, round_mode="HALF_TO_EVEN", name=None, narrow_range=False, axis: _axis_of(input, axis)=None)
    Quantizes and dequantizes floats; gradients pass unchanged.

    Args:
      input: floats, of any shape.
      input_min, input_max: the bounds of the range: scalars, or `[n]` with `axis`.
      signed_input: whether quantized numbers are signed.
      num_bits: the number of their bits.
      range_given: whether to use the bounds; otherwise those of `input`.
      round_mode: "HALF_TO_EVEN" or "HALF_UP".
      name: of the operation.
      narrow_range: whether the lowest number is not used.
      axis: the axis along which ranges differ; None for one range.

    Returns:
      A tensor of the shape and dtype of `input`.
quantization.fake_quant_with_min_max_vars_gradient +fake_quant_with_min_max_vars_gradient = FakeQuantWithMinMaxVarsGradient(gradients, inputs, min, max, num_bits=8, narrow_range=False)
    The gradients of `fake_quant_with_min_max_vars`.

    Args:
      gradients: float32: the gradient of the function's result.
      inputs, min, max, num_bits, narrow_range: what the function was called with.
      name: of the operation.

    Returns:
      A named tuple of float32 tensors: the gradients of `inputs`, of `min` and of `max`.
quantization.fake_quant_with_min_max_vars_per_channel_gradient +fake_quant_with_min_max_vars_per_channel_gradient = FakeQuantWithMinMaxVarsPerChannelGradient(gradients, inputs, min, max, num_bits=8, narrow_range=False)
    The gradients of `fake_quant_with_min_max_vars_per_channel`.

    Args:
      gradients: float32: the gradient of the function's result.
      inputs, min, max, num_bits, narrow_range: what the function was called with.
      name: of the operation.

    Returns:
      A named tuple of float32 tensors: the gradients of `inputs`, and `[channels]` of `min` and of
      `max`.
quantization.fake_quant_with_min_max_args_gradient +fake_quant_with_min_max_args_gradient = FakeQuantWithMinMaxArgsGradient(gradients, inputs, min=-6, max=6, num_bits=8, narrow_range=False)
    The gradient of `fake_quant_with_min_max_args`.

    Args:
      gradients: float32: the gradient of the function's result.
      inputs, min, max, num_bits, narrow_range: what the function was called with.
      name: of the operation.

    Returns:
      A float32 tensor of the shape of `inputs`: `gradients`, but 0 where inputs are outside of the
      range.
quantization.quantize +quantize = QuantizeV2(input, min_range, max_range, T, mode="MIN_COMBINED", round_mode="HALF_AWAY_FROM_ZERO", name=None, narrow_range=False, axis: _axis_of(input, axis)=None, ensure_minimum_range=0.01)
    Floats as quantized numbers of type T.

    Args:
      input: float32, of any shape.
      min_range, max_range: float32 scalars, or `[n]` with `axis`: the bounds of the range, to which
        numbers are clipped.
      T: a quantized dtype, such as quint8.
      mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED": how numbers lie in the range.
      round_mode: "HALF_AWAY_FROM_ZERO", or "HALF_TO_EVEN" with "SCALED".
      name: of the operation.
      narrow_range: with "SCALED", whether the lowest number of the type is not used.
      axis: the axis along which ranges differ; None for one range.
      ensure_minimum_range: how far apart the bounds are at least, relative to their size.

    Returns:
      A named tuple: `output` of dtype T and the shape of `input`, and the bounds used, `output_min`
      and `output_max`.
quantization.dequantize +dequantize = Dequantize(input, min_range, max_range, mode="MIN_COMBINED", name=None, axis: _axis_of(input, axis)=None, narrow_range=False, dtype=dtypes.float32)
    Quantized numbers as floats.

    Args:
      input: a quantized dtype, such as quint8.
      min_range, max_range: float32 scalars, or `[n]` with `axis`: the bounds of the range.
      mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED": how numbers lie in the range.
      name: of the operation.
      axis: the axis along which ranges differ; None for one range.
      narrow_range: with "SCALED", whether the lowest number of the type is not used.
      dtype: of the result: float32 or bfloat16.

    Returns:
      A tensor of the shape of `input`.
""",
)
