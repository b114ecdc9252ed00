"""What ONNX Runtime's optimizer fuses: beside ONNX Runtime."""

import numpy as np
import pytest

from tests.formats.onnx.reading.ops.microsoft.beside import floats, numbers, same

X, B = floats(2, 3, 8), floats(8, seed=1)


@pytest.mark.parametrize(
    ("op_type", "given"),
    [
        ("Gelu", {"x": X}),
        ("BiasGelu", {"x": X, "b": B}),
        ("FastGelu", {"x": X}),
        ("FastGelu", {"x": X, "b": B}),
        ("QuickGelu", {"x": X}),
    ],
)
def test_activations(op_type, given):
    same(op_type, given, atol=2e-5)
    same(op_type, given, atol=2e-5, dynamic=(1,) if "b" not in given else ())


@pytest.mark.parametrize("skip", [(2, 3, 8), (1, 3, 8), (3, 8)])
@pytest.mark.parametrize("shifted", [True, False])
def test_layers_of_sums(skip, shifted):
    given = {
        "x": X,
        "s": floats(*skip, seed=3),
        "g": floats(8, seed=4),
        "b": floats(8, seed=5) if shifted else None,
        "c": B,
    }
    same("SkipLayerNormalization", given, epsilon=1e-5)
    given.pop("b")
    same("SkipSimplifiedLayerNormalization", given, epsilon=1e-5)


def test_roots_of_mean_squares_in_the_standards_own_domain():
    same("SimplifiedLayerNormalization", {"x": X, "g": B}, domain="", epsilon=1e-5)


@pytest.mark.parametrize("segments", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_embeddings(segments, masked):
    random = np.random.default_rng(0)
    given = {
        "w": random.integers(0, 11, (2, 5)).astype(np.int32),
        "s": random.integers(0, 2, (2, 5)).astype(np.int32) if segments else None,
        "ew": floats(11, 8),
        "ep": floats(6, 8, seed=1),
        "es": floats(2, 8, seed=2) if segments else None,
        "g": floats(8, seed=3),
        "b": floats(8, seed=4),
        "m": np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32) if masked else None,
    }
    outputs = {"y": np.float32, "lengths": np.int32}
    same("EmbedLayerNormalization", given, outputs, epsilon=1e-12)


@pytest.mark.parametrize("batches", [0, 1])
@pytest.mark.parametrize("turned", [0, 1])
def test_products(batches, turned):
    a, b = floats(2, 3, 4, 5), floats(2, 3, 5, 6, seed=1)
    if turned:
        a, b = a.swapaxes(-1, -2), b.swapaxes(-1, -2)
    if batches:  # [batch, rows ...] with the first dimension before the last
        a, b = (np.moveaxis(x, -2, 0) for x in (a, b))
    given = {"a": np.ascontiguousarray(a), "b": np.ascontiguousarray(b)}
    flags = {"transA": turned, "transB": turned, "transBatchA": batches, "transBatchB": batches}
    same("FusedMatMul", given, alpha=0.5, **flags)


@pytest.mark.parametrize(
    ("activation", "parameters"),
    [
        ("Relu", {}),
        ("Sigmoid", {}),
        ("Tanh", {}),
        ("LeakyRelu", {"activation_alpha": 0.2}),
        ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4}),
    ],
)
def test_products_and_convolutions_with_activations(activation, parameters):
    given = {"a": floats(3, 4), "b": floats(5, 4, seed=1), "c": floats(5, seed=2)}
    same("FusedGemm", given, transB=1, alpha=0.5, activation=activation, **parameters)
    images = {"x": floats(1, 3, 7, 6), "w": floats(4, 3, 3, 3, seed=1), "b": floats(4, seed=2)}
    same(
        "FusedConv",
        images,
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        activation=activation,
        activation_params=list(parameters.values()) or None,
        atol=1e-4,
    )


def test_a_convolution_with_a_sum():
    same(
        "FusedConv",
        {
            "x": floats(1, 3, 7, 6),
            "w": floats(4, 3, 3, 3, seed=1),
            "b": floats(4, seed=2),
            "z": floats(1, 4, 5, 4, seed=3),
        },
        kernel_shape=[3, 3],
        activation="Relu",
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("op_type", "given", "attributes"),
    [
        ("Inverse", {"x": floats(2, 4, 4)}, {}),
        ("CDist", {"a": floats(4, 3), "b": floats(5, 3, seed=1)}, {"metric": "euclidean"}),
        ("CDist", {"a": floats(4, 3), "b": floats(5, 3, seed=1)}, {"metric": "sqeuclidean"}),
        ("ExpandDims", {"x": floats(4, 5), "a": np.array(-1, np.int32)}, {}),
        ("Trilu", {"x": floats(4, 5)}, {"upper": 0}),
        ("GatherND", {"x": floats(4, 5), "i": np.array([[1, 2], [3, 0]])}, {}),
        ("Pad", {"x": floats(4, 5), "p": np.array([1, 0, 2, 1])}, {"mode": "constant"}),
        ("GridSample", {"x": floats(1, 2, 5, 6), "g": floats(1, 3, 4, 2, seed=1)}, {}),
    ],
)
def test_further_operators_equal_onnx_runtime(op_type, given, attributes):
    same(op_type, given, atol=1e-4, **attributes)


def test_a_range_without_a_step():
    given = {"a": np.float32(1), "b": np.float32(5)}
    same("Range", {k: np.array(v) for k, v in given.items()})


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("segmented", [True, False])
def test_embeddings_of_quantized_tables(dtype, masked, segmented):
    tables = {"words": 9, "positions": 6, "segments": 2, "scale": (), "shift": ()}
    drawn = {
        name: numbers(*np.atleast_1d(rows).tolist(), 8, dtype=dtype, seed=at)
        for at, (name, rows) in enumerate(tables.items())
    }
    if not segmented:
        drawn["segments"] = None
    given = {
        "ids": np.int32([[1, 8, 0, 3], [2, 2, 7, 5]]),
        "kinds": np.int32([[0, 0, 1, 1], [1, 0, 0, 1]]) if segmented else None,
        **drawn,
        "mask": np.int32([[1, 1, 0, 0], [1, 1, 1, 1]]) if masked else None,
    }
    for at, (name, table) in enumerate(drawn.items()):
        given[f"{name}_step"] = None if table is None else np.array(0.01 * (at + 1), np.float32)
    for at, (name, table) in enumerate(drawn.items()):
        given[f"{name}_zero"] = None if table is None else np.array(3 * at, dtype)
    weights = tuple(
        n for n, a in given.items() if a is not None and n not in ("ids", "kinds", "mask")
    )
    outputs = {"y": np.float32, "lengths": np.int32}
    same("QEmbedLayerNormalization", given, outputs, weights, epsilon=1e-5)
