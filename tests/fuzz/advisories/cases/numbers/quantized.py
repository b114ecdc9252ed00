"""Operations of quantized numbers, and those that quantize."""

from tests.fuzz.advisories.case import calls, f32, floats, i32, none, quantized, raw

Q, LOW, HIGH = quantized([[1, 2], [3, 4]], "quint8"), f32(value=0.0), f32(value=1.0)
NOTHING = none(0)
IMAGE = quantized([[[[1]]]], "quint8")


CASES = (
    raw("CVE-2021-29535", "QuantizedMul", x=quantized([1], "quint8"), y=quantized([2], "quint8"), min_x=NOTHING, max_x=NOTHING, min_y=NOTHING, max_y=NOTHING),
    raw("CVE-2021-29528", "QuantizedMul", x=quantized([1, 2], "quint8"), y=quantized([], "quint8"), min_x=LOW, max_x=HIGH, min_y=LOW, max_y=HIGH),
    raw("CVE-2021-29549", "QuantizedAdd", x=quantized([1, 2], "quint8"), y=quantized([], "quint8"), min_x=LOW, max_x=HIGH, min_y=LOW, max_y=HIGH),
    raw("CVE-2022-35967", "QuantizedAdd", x=quantized([1, 2], "quint8"), y=quantized([1, 2], "quint8"), min_x=NOTHING, max_x=HIGH, min_y=LOW, max_y=HIGH),
    raw("CVE-2021-29546", "QuantizedBiasAdd", input=quantized([], "quint8"), bias=quantized([], "quint8"), min_input=LOW, max_input=HIGH, min_bias=LOW, max_bias=HIGH, out_type="qint32"),
    raw("CVE-2022-35972", "QuantizedBiasAdd", input=Q, bias=quantized([1, 2], "quint8"), min_input=none(0), max_input=HIGH, min_bias=LOW, max_bias=HIGH, out_type="qint32"),
    raw("CVE-2021-29527", "QuantizedConv2D", input=quantized([[[[1]]]], "quint8"), filter=quantized([[[[]]]], "quint8"), min_input=LOW, max_input=HIGH, min_filter=LOW, max_filter=HIGH, strides=[1, 1, 1, 1], padding="SAME"),
    raw("CVE-2022-29201", "QuantizedConv2D", input=IMAGE, filter=IMAGE, min_input=NOTHING, max_input=NOTHING, min_filter=LOW, max_filter=HIGH, strides=[1, 1, 1, 1], padding="SAME"),
    raw("CVE-2022-35973", "QuantizedMatMul", a=Q, b=Q, min_a=NOTHING, max_a=HIGH, min_b=LOW, max_b=HIGH),
    raw("CVE-2022-35974", "QuantizeDownAndShrinkRange", input=quantized([1], "qint32"), input_min=NOTHING, input_max=HIGH, out_type="quint8"),
    raw("CVE-2022-35979", "QuantizedRelu", features=Q, min_features=NOTHING, max_features=HIGH),
    raw("CVE-2022-35979", "QuantizedRelu6", features=Q, min_features=LOW, max_features=NOTHING),
    raw("CVE-2022-35979", "QuantizedReluX", features=Q, max_value=NOTHING, min_features=LOW, max_features=HIGH),
    raw("CVE-2022-35970", "QuantizedInstanceNorm", x=quantized([[[[1, 2]]]], "quint8"), x_min=NOTHING, x_max=HIGH, output_range_given=False, given_y_min=0, given_y_max=0, variance_epsilon=1e-5, min_separation=1e-3),
    raw("CVE-2021-29536", "QuantizedReshape", tensor=quantized([], "quint8"), shape=i32([0]), input_min=NOTHING, input_max=NOTHING),
    raw("CVE-2021-29537", "QuantizedResizeBilinear", images=IMAGE, size=i32([2, 2]), min=NOTHING, max=NOTHING),
    raw("CVE-2021-29547", "QuantizedBatchNormWithGlobalNormalization", t=IMAGE, t_min=NOTHING, t_max=NOTHING, m=quantized([1], "quint8"), m_min=LOW, m_max=HIGH, v=quantized([1], "quint8"), v_min=LOW, v_max=HIGH, beta=quantized([1], "quint8"), beta_min=LOW, beta_max=HIGH, gamma=quantized([1], "quint8"), gamma_min=LOW, gamma_max=HIGH, out_type="qint32", variance_epsilon=0.1, scale_after_normalization=True),
    raw("CVE-2021-29548", "QuantizedBatchNormWithGlobalNormalization", t=quantized([[[[]]]], "quint8"), t_min=LOW, t_max=HIGH, m=quantized([], "quint8"), m_min=LOW, m_max=HIGH, v=quantized([], "quint8"), v_min=LOW, v_max=HIGH, beta=quantized([], "quint8"), beta_min=LOW, beta_max=HIGH, gamma=quantized([], "quint8"), gamma_min=LOW, gamma_max=HIGH, out_type="qint32", variance_epsilon=0.1, scale_after_normalization=True),
    raw("CVE-2021-29569", "RequantizationRange", input=quantized([1], "qint32"), input_min=NOTHING, input_max=NOTHING),
    raw("CVE-2022-36017", "Requantize", input=quantized([1], "qint32"), input_min=NOTHING, input_max=HIGH, requested_output_min=LOW, requested_output_max=HIGH, out_type="quint8"),
    raw("CVE-2021-29582", "Dequantize", input=quantized([1], "quint8"), min_range=NOTHING, max_range=HIGH),
    raw("CVE-2022-21726", "Dequantize", input=quantized([[1]], "quint8"), min_range=floats([0]), max_range=floats([1]), axis=8),
    raw("CVE-2022-21727", "Dequantize", input=quantized([1], "quint8"), min_range=floats([0]), max_range=floats([1]), axis=2**31 - 1),
    raw("CVE-2021-37677", "Dequantize", input=quantized([[1]], "quint8"), min_range=floats([0]), max_range=floats([1]), axis=-10),
    raw("CVE-2021-37663", "QuantizeV2", input=floats([1]), min_range=NOTHING, max_range=NOTHING, T="quint8"),
    raw("CVE-2021-41211", "QuantizeV2", input=floats([1]), min_range=floats([0]), max_range=floats([1]), T="quint8", axis=-100),
    raw("CVE-2021-29610", "QuantizeAndDequantizeV2", input=floats([2.5]), input_min=LOW, input_max=HIGH, axis=10),
    raw("CVE-2022-41910", "QuantizeAndDequantizeV2", input=floats([2.5]), input_min=floats([[0.0]]), input_max=HIGH, axis=-5),
    raw("CVE-2021-29553", "QuantizeAndDequantizeV3", input=floats([2.5]), input_min=LOW, input_max=HIGH, num_bits=i32(30), axis=3),
    raw("CVE-2022-36026", "QuantizeAndDequantizeV3", input=floats([2.5]), input_min=LOW, input_max=HIGH, num_bits=i32([]), axis=-1),
    raw("CVE-2021-41205", "QuantizeAndDequantizeV3", input=floats([[1.0, 2.0]]), input_min=floats([0.0]), input_max=floats([1.0]), num_bits=i32(8), axis=1),
    raw("CVE-2021-29544", "QuantizeAndDequantizeV4Grad", gradients=f32(2, 2), input=f32(2, 2), input_min=floats([]), input_max=floats([1.0, 2.0]), axis=0),
    raw("CVE-2021-37645", "QuantizeAndDequantizeV4Grad", gradients=floats([1]), input=floats([1]), input_min=LOW, input_max=HIGH, axis=-10),
    raw("CVE-2022-29192", "QuantizeAndDequantizeV4Grad", gradients=floats([1]), input=floats([1]), input_min=f32(2, 2), input_max=HIGH, axis=0),
    calls("CVE-2020-15265", "quantization.quantize_and_dequantize_v2", lambda tf: tf.quantization.quantize_and_dequantize_v2([2.5, 2.5], [0.0, 0.0], [1.0, 1.0], axis=10)),
    raw("CVE-2023-25668", "QuantizeAndDequantizeV2", input=f32(2, 3), input_min=none(0), input_max=none(0), axis=1),
    raw("CVE-2023-25670", "QuantizedMatMulWithBiasAndDequantize", a=Q, b=quantized([[1, 2], [3, 4]], "qint8"), bias=f32(2), min_a=NOTHING, max_a=HIGH, min_b=LOW, max_b=HIGH, min_freezed_output=LOW, max_freezed_output=HIGH, Toutput="float32"),
    raw("CVE-2022-35971", "FakeQuantWithMinMaxVars", inputs=f32(2), min=f32(2), max=HIGH),
    raw("CVE-2022-36005", "FakeQuantWithMinMaxVarsGradient", gradients=f32(2), inputs=f32(2), min=f32(2), max=HIGH),
    raw("CVE-2022-36019", "FakeQuantWithMinMaxVarsPerChannel", inputs=f32(2), min=f32(), max=f32(2)),
    raw("CVE-2022-35990", "FakeQuantWithMinMaxVarsPerChannelGradient", gradients=f32(2), inputs=f32(2), min=f32(), max=f32(2)),
)  # fmt: skip
