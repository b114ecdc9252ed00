"""Attributes that TensorFlow.js ignores do not reach graph models: others compute what they say, or the model is refused."""

import base64
import json

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.model import of_function
from penstock._src.formats.table import FORMATS, read

RAW = tf.raw_ops
RNG = np.random.default_rng(3)
IMAGES = RNG.normal(size=(2, 3, 5, 6)).astype("f")
VECTOR, FILTER = RNG.normal(size=3).astype("f"), RNG.normal(size=(2, 3, 3, 4)).astype("f")
HIGH = [1, 1, 2, 1]  # steps along the height alone
FIRST = {
    "AvgPool": lambda x: RAW.AvgPool(
        value=x, ksize=[1, 1, 2, 3], strides=HIGH, padding="SAME", data_format="NCHW"
    ),
    "AvgPool3D": lambda x: RAW.AvgPool3D(
        input=x[:, :, None],
        ksize=[1, 1, 1, 2, 2],
        strides=[1] * 5,
        padding="SAME",
        data_format="NCDHW",
    ),
    "BiasAdd": lambda x: RAW.BiasAdd(value=x, bias=VECTOR, data_format="NCHW"),
    "Conv2D": lambda x: RAW.Conv2D(
        input=x,
        filter=FILTER,
        strides=HIGH,
        padding="EXPLICIT",
        data_format="NCHW",
        explicit_paddings=[0, 0, 0, 0, 2, 1, 0, 3],
    ),
    "Conv2DBackpropInput": lambda x: RAW.Conv2DBackpropInput(
        input_sizes=[2, 3, 10, 8],
        filter=FILTER[..., :3],
        out_backprop=x,
        strides=HIGH,
        padding="VALID",
        data_format="NCHW",
    ),
    "DepthToSpace": lambda x: RAW.DepthToSpace(
        input=tf.tile(x, [1, 4, 1, 1]), block_size=2, data_format="NCHW"
    ),
    "DepthwiseConv2dNative": lambda x: RAW.DepthwiseConv2dNative(
        input=x,
        filter=FILTER,
        strides=[1] * 4,
        padding="SAME",
        data_format="NCHW",
        dilations=[1, 1, 2, 2],
    ),
    "FusedBatchNormV3": lambda x: RAW.FusedBatchNormV3(
        x=x,
        scale=VECTOR,
        offset=VECTOR,
        mean=VECTOR,
        variance=VECTOR**2,
        is_training=False,
        data_format="NCHW",
    )[0],
    "MaxPool": lambda x: RAW.MaxPool(
        input=x, ksize=[1, 1, 2, 3], strides=HIGH, padding="VALID", data_format="NCHW"
    ),
    "MaxPool3D": lambda x: RAW.MaxPool3D(
        input=x[:, :, None],
        ksize=[1, 1, 1, 2, 2],
        strides=[1] * 5,
        padding="SAME",
        data_format="NCDHW",
    ),
}


def written(function, path, batch=2):
    traced = tf.function(function, autograph=False).get_concrete_function(
        tf.TensorSpec([batch, 3, 5, 6], name="x")
    )
    FORMATS["tfjs"].write(of_function(traced), str(path))
    return json.loads((path / "model.json").read_text())["modelTopology"]["node"]


def back(path):
    (result,) = read(str(path)).signatures["serving_default"](tf.constant(IMAGES)).values()
    return result


@pytest.mark.parametrize("kind", FIRST)
def test_channels_come_last(kind, tmp_path):
    nodes = written(FIRST[kind], tmp_path / "model")
    formats = [
        base64.b64decode(n["attr"]["data_format"]["s"]) for n in nodes if "data_format" in n["attr"]
    ]
    assert not [each for each in formats if each.startswith(b"NC")]
    assert kind == "BiasAdd" or formats
    np.testing.assert_allclose(
        back(tmp_path / "model"), FIRST[kind](tf.constant(IMAGES)), rtol=1e-5, atol=1e-6
    )


def test_transposed_convolutions_have_no_dilation(tmp_path):
    def net(x):
        return RAW.Conv2DBackpropInput(
            input_sizes=[2, 5, 11, 3],
            filter=FILTER,
            out_backprop=x[..., :4],
            strides=[1] * 4,
            padding="VALID",
            dilations=[1, 2, 3, 1],
        )

    nodes = written(net, tmp_path / "model")
    (node,) = [n for n in nodes if n["op"] == "Conv2DBackpropInput"]
    assert node["attr"]["dilations"]["list"]["i"] == ["1"] * 4
    np.testing.assert_allclose(
        back(tmp_path / "model"), net(tf.constant(IMAGES)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("layout", "sides"), [("NHWC", [1, 0, 0, 1, 0, 0]), ("NCHW", [0, 0, 1, 0, 0, 1])]
)
def test_images_are_padded_before_their_greatest_elements_are_taken(layout, sides, tmp_path):
    def net(x):
        size = [1, 2, 2, 1] if layout == "NHWC" else [1, 1, 2, 2]
        return RAW.MaxPool(
            input=x - 5.0,
            ksize=size,
            strides=size,
            padding="EXPLICIT",
            explicit_paddings=[0, 0, *sides],
            data_format=layout,
        )

    nodes = written(net, tmp_path / "model")
    (node,) = [n for n in nodes if n["op"] == "MaxPool"]
    assert "explicit_paddings" not in str(node) or not node["attr"]["explicit_paddings"][
        "list"
    ].get("i")
    np.testing.assert_array_equal(back(tmp_path / "model"), net(tf.constant(IMAGES)))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_numbers_are_spread_along_any_axis(axis, tmp_path):
    def net(x):
        return tf.one_hot(tf.cast(x[:, :, 0, 0] * 2, tf.int32), 3, axis=axis)

    nodes = written(net, tmp_path / "model")
    (node,) = [n for n in nodes if n["op"] == "OneHot"]
    assert node["attr"]["axis"]["i"] == "-1"
    np.testing.assert_array_equal(back(tmp_path / "model"), net(tf.constant(IMAGES)))


@pytest.mark.parametrize("scan", [tf.math.cumsum, tf.math.cumprod])
def test_axes_of_scans_are_counted_from_the_front(scan, tmp_path):
    nodes = written(lambda x: scan(x, -1, reverse=True), tmp_path / "model", None)
    (node,) = [n for n in nodes if n["op"].startswith("Cum")]
    np.testing.assert_allclose(
        back(tmp_path / "model"), scan(tf.constant(IMAGES), -1, reverse=True), rtol=1e-5
    )
    model = json.loads((tmp_path / "model" / "model.json").read_text())
    weights = b"".join(path.read_bytes() for path in sorted((tmp_path / "model").glob("*.bin")))
    assert model["weightsManifest"][0]["weights"][0]["name"] == node["input"][1]
    assert np.frombuffer(weights[:4], np.int32) == [3]


def test_remainders_have_the_sign_of_what_is_divided(tmp_path):
    def net(x):
        return RAW.Mod(x=x, y=tf.constant(0.75)) + RAW.Mod(x=x, y=tf.constant(-0.5))

    assert "Mod" not in [n["op"] for n in written(net, tmp_path / "model")]
    expected = np.fmod(IMAGES, np.float32(0.75)) + np.fmod(IMAGES, np.float32(-0.5))
    np.testing.assert_allclose(back(tmp_path / "model"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axes", [[], [1], [0, 1, 2, 3]])
def test_norms_of_any_axes(axes, tmp_path):
    def net(x):
        return RAW.EuclideanNorm(input=x, axis=tf.constant(axes, tf.int32))

    assert "EuclideanNorm" not in [n["op"] for n in written(net, tmp_path / "model")]
    np.testing.assert_allclose(back(tmp_path / "model"), net(tf.constant(IMAGES)), rtol=1e-5)


def suppressed(x):
    boxes = tf.reshape(x, [-1, 4])
    return RAW.NonMaxSuppressionV5(
        boxes=boxes,
        scores=boxes[:, 0],
        max_output_size=3,
        iou_threshold=0.5,
        score_threshold=0.0,
        soft_nms_sigma=0.0,
        pad_to_max_output_size=True,
    )[0]


REFUSED = {
    "is_training=True": lambda x: RAW.FusedBatchNormV3(
        x=x[..., :3], scale=VECTOR, offset=VECTOR, mean=np.zeros(0, "f"), variance=np.zeros(0, "f")
    )[0],
    "pad_to_max_output_size=True": suppressed,
    "variable weights": lambda x: RAW.Conv2DBackpropInput(
        input_sizes=[2, 4, 6, 3],
        filter=x[:1, :2],
        out_backprop=x,
        strides=[1] * 4,
        padding="SAME",
        dilations=[1, 2, 2, 1],
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_nothing_else_computes_is_refused(what, tmp_path):
    with pytest.raises(tf.errors.UnimplementedError, match=what):
        written(REFUSED[what], tmp_path / "model")
