"""Convolutions and their gradients."""

from tests.fuzz.advisories.case import calls, f32, i32, i64, none, raw

ONE = [1, 1, 1, 1]
ONE_3D = [1, 1, 1, 1, 1]

CASES = (
    raw("CVE-2021-29526", "Conv2D", input=f32(1, 1, 1, 1), filter=none(1, 1, 0, 1), strides=ONE, padding="SAME"),
    raw("CVE-2021-41209", "Conv2D", input=f32(2, 2, 2, 2), filter=none(0, 0, 2, 2), strides=ONE, padding="VALID"),
    raw("CVE-2021-37675", "Conv2D", input=f32(1, 4, 4, 3), filter=none(2, 2, 0, 4), strides=ONE, padding="VALID"),
    raw("CVE-2022-35996", "Conv2D", input=f32(2, 2, 2, 2), filter=none(0, 0, 2, 1), strides=ONE, padding="SAME"),
    raw("CVE-2021-29517", "Conv3D", input=f32(2, 2, 2, 2, 2), filter=none(0, 2, 2, 2, 1), strides=ONE_3D, padding="SAME"),
    raw("CVE-2021-29517", "Conv3D", input=f32(2, 2, 2, 2, 2), filter=none(2, 2, 2, 0, 1), strides=ONE_3D, padding="SAME"),
    raw("CVE-2021-29524", "Conv2DBackpropFilter", input=f32(1, 1, 1, 1), filter_sizes=i32([0, 0, 0, 0]), out_backprop=f32(1, 1, 1, 1), strides=ONE, padding="SAME"),
    raw("CVE-2021-29538", "Conv2DBackpropFilter", input=none(0, 1, 1, 5), filter_sizes=i32([1, 1, 1, 5]), out_backprop=none(0, 0, 1, 1), strides=ONE, padding="SAME"),
    raw("CVE-2021-29540", "Conv2DBackpropFilter", input=f32(1, 10, 10, 1), filter_sizes=i32([1, 2, 1, 9]), out_backprop=f32(1, 1, 1, 1), strides=ONE, padding="VALID"),
    raw("CVE-2021-29525", "Conv2DBackpropInput", input_sizes=i32([1, 1, 1, 0]), filter=none(1, 1, 0, 1), out_backprop=f32(1, 1, 1, 1), strides=ONE, padding="SAME"),
    raw("CVE-2022-35999", "Conv2DBackpropInput", input_sizes=i32([3, 1, 1, 2]), filter=f32(1, 3, 2, 3), out_backprop=none(0, 1, 1, 3), strides=ONE, padding="SAME"),
    raw("CVE-2022-35969", "Conv2DBackpropInput", input_sizes=i64([-1, 4, 4, 1]).astype("int32"), filter=f32(2, 2, 1, 1), out_backprop=f32(1, 3, 3, 1), strides=ONE, padding="VALID"),
    raw("CVE-2022-35969", "Conv2DBackpropInput", input_sizes=i32([[1, 4, 4, 1]]), filter=f32(2, 2, 1, 1), out_backprop=f32(1, 3, 3, 1), strides=ONE, padding="VALID"),
    raw("CVE-2021-29520", "Conv3DBackpropFilterV2", input=f32(10, 10, 10, 10, 10), filter_sizes=i32([21, 1, 1, 1, 1]), out_backprop=f32(1, 1, 1, 1, 1), strides=ONE_3D, padding="VALID"),
    raw("CVE-2021-29522", "Conv3DBackpropFilterV2", input=f32(1, 1, 1, 1, 1), filter_sizes=i32([0, 1, 1, 1, 1]), out_backprop=none(1, 1, 1, 1, 0), strides=ONE_3D, padding="SAME"),
    raw("CVE-2022-29196", "Conv3DBackpropFilterV2", input=f32(1, 1, 1, 1, 1), filter_sizes=i32([[1, 1, 1, 1, 1]]), out_backprop=f32(1, 1, 1, 1, 1), strides=ONE_3D, padding="SAME"),
    raw("CVE-2022-29196", "Conv3DBackpropFilterV2", input=f32(1, 1, 1, 1, 1), filter_sizes=i32(1), out_backprop=f32(1, 1, 1, 1, 1), strides=ONE_3D, padding="SAME"),
    raw("CVE-2021-29522", "Conv3DBackpropInputV2", input_sizes=i32([1, 1, 1, 1, 0]), filter=none(1, 1, 1, 0, 1), out_backprop=f32(1, 1, 1, 1, 1), strides=ONE_3D, padding="SAME"),
    raw("CVE-2021-29520", "Conv3DBackpropInputV2", input_sizes=i32([1, 1, 1, 1, 1]), filter=f32(21, 1, 1, 1, 1), out_backprop=f32(10, 10, 10, 10, 10), strides=ONE_3D, padding="VALID"),
    raw("CVE-2021-29566", "Dilation2DBackpropInput", input=f32(1, 1, 1, 1), filter=none(0, 0, 1), out_backprop=f32(1, 1, 1, 1), strides=ONE, rates=ONE, padding="SAME"),
    raw("CVE-2021-29566", "Dilation2DBackpropInput", input=f32(2, 2, 2, 2), filter=f32(2, 2, 2), out_backprop=f32(3, 5, 5, 2), strides=ONE, rates=ONE, padding="SAME"),
    raw("CVE-2022-41885", "FusedResizeAndPadConv2D", input=f32(1, 2, 2, 1), size=i32([2**16, 2**16]), paddings=i32([[0, 0]] * 4), filter=f32(1, 1, 1, 1), mode="REFLECT", strides=ONE, padding="SAME"),
    calls("CVE-2023-25661", "keras.layers.Conv3DTranspose", lambda tf: tf.nn.conv3d_transpose(tf.ones([1, 2, 2, 2, 1]), tf.zeros([1, 1, 1, 0, 1]), [1, 2, 2, 2, 0], ONE_3D)),
    raw("CVE-2021-29583", "DepthwiseConv2dNative", input=f32(1, 4, 4, 2), filter=none(2, 2, 2, 0), strides=ONE, padding="SAME"),
    raw("CVE-2021-37675", "DepthwiseConv2dNative", input=f32(1, 4, 4, 2), filter=f32(2, 2, 0, 1), strides=ONE, padding="SAME"),
)  # fmt: skip
