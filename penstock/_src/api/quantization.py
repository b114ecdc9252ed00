"""tf.quantization: quantized numbers, and fake quantization for training."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


def _v1(name):
    return [f"quantization.{name}", name]


@export("quantization.fake_quant_with_min_max_args", v1=_v1("fake_quant_with_min_max_args"))
@dispatchable
def fake_quant_with_min_max_args(inputs, min=-6, max=6, num_bits=8, narrow_range=False, name=None):
    """`inputs` rounded to `num_bits` levels between two numbers."""
    return raw.FakeQuantWithMinMaxArgs(
        inputs=inputs,
        min=float(min),
        max=float(max),
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


@export(
    "quantization.fake_quant_with_min_max_args_gradient",
    v1=_v1("fake_quant_with_min_max_args_gradient"),
)
def fake_quant_with_min_max_args_gradient(
    gradients, inputs, min=-6, max=6, num_bits=8, narrow_range=False, name=None
):
    """The gradient of `fake_quant_with_min_max_args`."""
    return raw.FakeQuantWithMinMaxArgsGradient(
        gradients=gradients,
        inputs=inputs,
        min=float(min),
        max=float(max),
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


@export("quantization.quantize", v1=_v1("quantize"))
def quantize(
    input,
    min_range,
    max_range,
    T,
    mode="MIN_COMBINED",
    round_mode="HALF_AWAY_FROM_ZERO",
    name=None,
    narrow_range=False,
    axis=None,
    ensure_minimum_range=0.01,
):
    """Floats as quantized numbers of type T: (output, output_min, output_max)."""
    return raw.QuantizeV2(
        input=input,
        min_range=min_range,
        max_range=max_range,
        T=dtypes.as_dtype(T),
        mode=mode,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        ensure_minimum_range=ensure_minimum_range,
        name=name,
    )


@export("quantization.dequantize", v1=_v1("dequantize"))
def dequantize(
    input,
    min_range,
    max_range,
    mode="MIN_COMBINED",
    name=None,
    axis=None,
    narrow_range=False,
    dtype=dtypes.float32,
):
    """Quantized numbers as floats."""
    return raw.Dequantize(
        input=input,
        min_range=min_range,
        max_range=max_range,
        mode=mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        dtype=dtypes.as_dtype(dtype),
        name=name,
    )


@export(
    "quantization.quantize_and_dequantize_v2",
    v1=["quantization.quantize_and_dequantize_v2", "quantize_and_dequantize_v4"],
)
@dispatchable
def quantize_and_dequantize_v2(
    input,
    input_min,
    input_max,
    signed_input=True,
    num_bits=8,
    range_given=False,
    round_mode="HALF_TO_EVEN",
    name=None,
    narrow_range=False,
    axis=None,
):
    """Quantizes and dequantizes floats; gradients outside the range are zero."""
    axis = -1 if axis is None else axis
    return raw.QuantizeAndDequantizeV4(
        input=input,
        input_min=input_min,
        input_max=input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=axis,
        name=name,
    )


@export("quantization.quantize_and_dequantize", v1=["quantization.quantize_and_dequantize"])
@dispatchable
def quantize_and_dequantize(
    input,
    input_min,
    input_max,
    signed_input=True,
    num_bits=8,
    range_given=False,
    round_mode="HALF_TO_EVEN",
    name=None,
    narrow_range=False,
    axis=None,
):
    """Quantizes and dequantizes floats; gradients pass unchanged."""
    return raw.QuantizeAndDequantizeV2(
        input=input,
        input_min=input_min,
        input_max=input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        name=name,
    )


@export("quantization.quantized_concat", v1=_v1("quantized_concat"))
def quantized_concat(concat_dim, values, input_mins, input_maxes, name=None):
    """Quantized tensors concatenated, with common bounds."""
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
    `inputs` rounded to what `num_bits` between two tensors can hold.
quantization.fake_quant_with_min_max_vars_per_channel +fake_quant_with_min_max_vars_per_channel = FakeQuantWithMinMaxVarsPerChannel(inputs, min, max, num_bits=8, narrow_range=False)
    `fake_quant_with_min_max_vars` with bounds for each channel.
""",
    plain="""
quantization.fake_quant_with_min_max_vars_gradient +fake_quant_with_min_max_vars_gradient = FakeQuantWithMinMaxVarsGradient(gradients, inputs, min, max, num_bits=8, narrow_range=False)
    The gradients of `fake_quant_with_min_max_vars`.
quantization.fake_quant_with_min_max_vars_per_channel_gradient +fake_quant_with_min_max_vars_per_channel_gradient = FakeQuantWithMinMaxVarsPerChannelGradient(gradients, inputs, min, max, num_bits=8, narrow_range=False)
    The gradients of `fake_quant_with_min_max_vars_per_channel`.
""",
)
