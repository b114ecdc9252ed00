"""Pooling and its gradients."""

from tests.fuzz.advisories.case import calls, f32, floats, i32, i64, none, quantized, raw

KSIZE, K3 = [1, 2, 2, 1], [1, 2, 2, 2, 1]
MANY = [1, 1_000_000_000, 1_000_000_000, 1]

CASES = (
    raw("CVE-2022-35941", "AvgPool", value=f32(1, 1, 1, 1), ksize=[1, 9_223_372_036_854_775_807, 1, 1], strides=[1, 1, 1, 1], padding="VALID"),
    raw("CVE-2022-35968", "AvgPoolGrad", orig_input_shape=i32([-536870912, 536870912, -536870912, 1]), grad=f32(3, 4, 1, 1), ksize=KSIZE, strides=KSIZE, padding="VALID"),
    raw("CVE-2023-25664", "AvgPoolGrad", orig_input_shape=i32([10, 6, 3, 2]), grad=f32(10, 2, 1, 2), ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="VALID"),
    raw("CVE-2023-25669", "AvgPoolGrad", orig_input_shape=i32([1, 4, 4, 1]), grad=none(0, 2, 2, 1), ksize=KSIZE, strides=KSIZE, padding="SAME"),
    raw("CVE-2021-29577", "AvgPool3DGrad", orig_input_shape=i32([10, 6, 3, 7, 7]), grad=floats([0.01, 0, 0]).reshape(3, 1, 1, 1, 1), ksize=[1] * 5, strides=[1] * 5, padding="VALID"),
    raw("CVE-2022-35959", "AvgPool3DGrad", orig_input_shape=i32([1879048192, 1879048192, 1, 1, 1]), grad=f32(1, 3, 2, 3, 2), ksize=K3, strides=K3, padding="VALID"),
    raw("CVE-2022-35989", "MaxPool", input=f32(1, 1, 1, 1), ksize=[1, 1, 2_147_483_647, 1], strides=[1, 1, 1, 1], padding="VALID"),
    raw("CVE-2021-29579", "MaxPoolGrad", orig_input=f32(1, 1, 1, 1), orig_output=f32(1, 1, 1, 1), grad=none(1, 1, 1, 0), ksize=KSIZE, strides=KSIZE, padding="SAME"),
    raw("CVE-2021-37674", "MaxPoolGrad", orig_input=none(1, 1, 1, 0), orig_output=f32(1, 1, 1, 1), grad=f32(1, 1, 1, 1), ksize=KSIZE, strides=KSIZE, padding="SAME"),
    raw("CVE-2021-29573", "MaxPoolGradWithArgmax", input=f32(1, 1, 1, 1), grad=none(0, 0, 0, 0), argmax=i64([[[[1]]]]), ksize=KSIZE, strides=KSIZE, padding="SAME"),
    raw("CVE-2021-29570", "MaxPoolGradWithArgmax", input=f32(1, 1, 1, 1), grad=f32(1, 1, 1, 1), argmax=i64([[[[9]]]]), ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="SAME"),
    raw("CVE-2021-29571", "MaxPoolGradWithArgmax", input=f32(10, 6, 7, 2), grad=f32(3, 1, 2, 1), argmax=i64([[[[-1]]]]), ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="SAME"),
    raw("CVE-2021-29574", "MaxPool3DGradGrad", orig_input=floats([0.0]).reshape(1, 1, 1, 1, 1), orig_output=floats([0.0]).reshape(1, 1, 1, 1, 1), grad=none(1, 1, 1, 1, 0), ksize=[1, 1, 1, 1, 1], strides=[1, 1, 1, 1, 1], padding="SAME"),
    raw("CVE-2021-29576", "MaxPool3DGradGrad", orig_input=f32(1, 1, 1, 1, 1), orig_output=f32(1, 1, 1, 1, 1), grad=f32(10, 1, 1, 1, 1), ksize=[1, 1, 1, 1, 1], strides=[1, 1, 1, 1, 1], padding="SAME"),
    raw("CVE-2021-29576", "MaxPool3DGrad", orig_input=none(0, 1, 1, 1, 1), orig_output=f32(1, 1, 1, 1, 1), grad=f32(1, 1, 1, 1, 1), ksize=[1] * 5, strides=[1] * 5, padding="SAME"),
    raw("CVE-2021-29550", "FractionalAvgPool", value=f32(1, 2, 2, 1), pooling_ratio=[1.0, 1.0000014345305555, 1.0, 1.0], pseudo_random=False, overlapping=False, deterministic=False, seed=0, seed2=0),
    raw("CVE-2022-41900", "FractionalAvgPool", value=f32(1, 3, 3, 1), pooling_ratio=[1.0, 0.5, 0.5, 1.0]),
    raw("CVE-2022-41900", "FractionalMaxPool", value=f32(1, 3, 3, 1), pooling_ratio=[1.0, 4.0, 4.0, 1.0]),
    raw("CVE-2023-25801", "FractionalMaxPool", value=f32(1, 3, 3, 4), pooling_ratio=[1.0, 1.5, 1.5, 2.0]),
    raw("CVE-2022-21735", "FractionalMaxPool", value=none(1, 0, 2, 1), pooling_ratio=[1.0, 1.5, 1.5, 1.0]),
    raw("CVE-2021-29578", "FractionalAvgPoolGrad", orig_input_tensor_shape=i64([1, 2, 3, 1]), out_backprop=f32(1, 1, 2, 2), row_pooling_sequence=i64([-10, 1, 2, 3]), col_pooling_sequence=i64([1, 2, 3, 4]), overlapping=True),
    raw("CVE-2021-37651", "FractionalAvgPoolGrad", orig_input_tensor_shape=i64([0, 0, 0, 0]), out_backprop=none(0, 0, 0, 0), row_pooling_sequence=i64([2, 0]), col_pooling_sequence=i64([1, 2]), overlapping=False),
    raw("CVE-2022-21730", "FractionalAvgPoolGrad", orig_input_tensor_shape=i64([1, 1, 1, 1]), out_backprop=f32(1, 1, 1, 1), row_pooling_sequence=i64([0, 5]), col_pooling_sequence=i64([0, 5]), overlapping=False),
    raw("CVE-2022-35963", "FractionalAvgPoolGrad", orig_input_tensor_shape=i64([-1879048192, 1879048192, 1, 1]), out_backprop=f32(1, 1, 1, 1), row_pooling_sequence=i64([0, 1]), col_pooling_sequence=i64([0, 1]), overlapping=True),
    raw("CVE-2021-29580", "FractionalMaxPoolGrad", orig_input=f32(1, 1, 1, 1), orig_output=f32(1, 1, 1, 1), out_backprop=none(0, 0, 0, 0), row_pooling_sequence=i64([]), col_pooling_sequence=i64([]), overlapping=False),
    raw("CVE-2022-35981", "FractionalMaxPoolGrad", orig_input=f32(2, 3), orig_output=f32(2, 3), out_backprop=f32(2, 3), row_pooling_sequence=i64([0, 1]), col_pooling_sequence=i64([0, 1]), overlapping=True),
    raw("CVE-2022-41897", "FractionalMaxPoolGrad", orig_input=f32(1, 2, 2, 1), orig_output=f32(1, 1, 1, 1), out_backprop=f32(1, 1, 1, 1), row_pooling_sequence=i64([-4, 9]), col_pooling_sequence=i64([-4, 9]), overlapping=False),
    raw("CVE-2022-21739", "QuantizedMaxPool", input=quantized([[[[1]]]], "quint8"), min_input=none(0), max_input=none(0), ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="SAME"),
    raw("CVE-2022-35966", "QuantizedAvgPool", input=quantized([[[[1]]]], "quint8"), min_input=none(0), max_input=f32(), ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="SAME"),
    calls("CVE-2021-41196", "keras.layers.MaxPooling3D", lambda tf: tf.nn.max_pool3d(tf.ones([1, 2, 2, 2, 1]), [1, 0, 1, 1, 1], [1, 1, 1, 1, 1], "VALID")),
    calls("CVE-2021-41196", "nn.avg_pool2d", lambda tf: tf.nn.avg_pool2d(tf.ones([1, 2, 2, 1]), 0, 0, "SAME")),
)  # fmt: skip
