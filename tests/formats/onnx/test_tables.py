"""Operators of ai.onnx.ml, as scikit-learn's models are exported: beside ONNX Runtime."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.onnx.reading.model import read_proto

RNG = np.random.default_rng(0)
POST = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO")
ORDERED = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT")
MODES = {
    "at most": ORDERED[:1],
    "ordered": ORDERED,
    "all": (*ORDERED, "BRANCH_EQ", "BRANCH_NEQ"),
}


def _proto(op, x, outputs, attributes):
    onnx = pytest.importorskip("onnx")
    kinds = {"f": onnx.TensorProto.FLOAT, "i": onnx.TensorProto.INT64, "O": onnx.TensorProto.STRING}
    names = [f"y{i}" for i in range(outputs)]
    helper = onnx.helper
    node = helper.make_node(op, ["x"], names, domain="ai.onnx.ml", **attributes)
    value = helper.make_tensor_value_info("x", kinds[x.dtype.kind], [None, *x.shape[1:]])
    body = helper.make_graph([node], "g", [value], [onnx.ValueInfoProto(name=n) for n in names])
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(body, opset_imports=versions, ir_version=8)


def _found(contents, x):
    from penstock._src.formats.onnx.schema import ModelProto

    function = read_proto(ModelProto.FromString(contents)).signatures["serving_default"]
    results = function(x=tf.constant(x.tolist() if x.dtype.kind == "O" else x))
    return [results[name].numpy() for name in sorted(results)]


def check(op, x, outputs=1, **attributes):
    """An operator's results are those of ONNX Runtime."""
    runtime = pytest.importorskip("onnxruntime")
    contents = _proto(op, x, outputs, attributes).SerializeToString()
    session = runtime.InferenceSession(contents, providers=["CPUExecutionProvider"])
    for ours, theirs in zip(_found(contents, x), session.run(None, {"x": x}), strict=True):
        assert ours.shape == theirs.shape
        if theirs.dtype.kind == "O":
            assert [s.decode() for s in ours.ravel()] == theirs.ravel().tolist()
        else:
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def numbers(*shape):
    return RNG.normal(size=shape).astype("f")


@pytest.mark.parametrize("post", POST)
def test_linear_models(post):
    x = numbers(5, 3)
    of_three = {"coefficients": numbers(9).tolist(), "intercepts": [0.1, 0.2, 0.3]}
    of_one = {"coefficients": numbers(3).tolist(), "intercepts": [0.1]}
    check("LinearRegressor", x, targets=3, post_transform=post, **of_three)
    check("LinearRegressor", x, post_transform=post, **of_one)
    check("LinearClassifier", x, 2, classlabels_ints=[4, 5, 6], post_transform=post, **of_three)
    texts = {"classlabels_strings": ["no", "yes"], "post_transform": post}
    check("LinearClassifier", x, 2, **texts, **of_one)


@pytest.mark.parametrize("one_class", [0, 1])
@pytest.mark.parametrize("kernel", ["LINEAR", "RBF", "POLY", "SIGMOID"])
def test_support_vectors(kernel, one_class):
    vectors = {"support_vectors": numbers(12).tolist(), "n_supports": 4, "rho": [0.2]}
    kind = {"kernel_type": kernel, "kernel_params": [0.5, 0.3, 3.0], "one_class": one_class}
    check("SVMRegressor", numbers(5, 3), coefficients=numbers(4).tolist(), **vectors, **kind)


@pytest.mark.parametrize("post", POST)
@pytest.mark.parametrize("has_probabilities", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_classes_by_support_vectors(classes, has_probabilities, post):
    pairs, counts = classes * (classes - 1) // 2, [2, 3, 1, 2, 2][:classes]
    given = {
        "support_vectors": numbers(sum(counts) * 3).tolist(),
        "coefficients": numbers((classes - 1) * sum(counts)).tolist(),
        "rho": numbers(pairs).tolist(),
    }
    if has_probabilities:
        given |= {"prob_a": (-1 - numbers(pairs) ** 2).tolist(), "prob_b": numbers(pairs).tolist()}
    kind = {"kernel_type": "RBF", "kernel_params": [0.5, 0.0, 3.0], "post_transform": post}
    labels = {"classlabels_ints": list(range(4, 4 + classes)), "vectors_per_class": counts}
    check("SVMClassifier", numbers(40, 3), 2, **given, **kind, **labels)


@pytest.mark.parametrize("post", POST)
def test_classes_by_linear_scores_of_svm(post):
    linear = {"kernel_type": "LINEAR", "kernel_params": [0.0] * 3, "rho": [0.3]}
    kind = {**linear, "coefficients": numbers(9).tolist(), "post_transform": post}
    check("SVMClassifier", numbers(40, 3), 2, classlabels_ints=[4, 5, 6], **kind)
    with pytest.raises(UnimplementedError, match="two classes without support vectors"):
        two = {**kind, "coefficients": [1.0] * 6, "classlabels_ints": [0, 1]}
        _found(_proto("SVMClassifier", numbers(4, 3), 2, two).SerializeToString(), numbers(4, 3))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("coefficients", [1.0] * 4, "expected 5 numbers in 'coefficients' .* Received 4"),
        ("rho", [1.0, 2.0], "expected 1 numbers in 'rho'"),
        ("vectors_per_class", [2, -3], "do not fit vectors_per_class .2, -3."),
        ("classlabels_ints", [0, 1, 2], "3 labels do not fit"),
    ],
)
def test_support_vectors_of_other_sizes_are_refused(name, value, message):
    given = {"support_vectors": [1.0] * 15, "coefficients": [1.0] * 5, "rho": [0.1]}
    labels = {"classlabels_ints": [0, 1], "vectors_per_class": [2, 3]}
    attributes = {**given, **labels, name: value}
    x = numbers(4, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _found(_proto("SVMClassifier", x, 2, attributes).SerializeToString(), x)


def test_columns_of_tables():
    x = np.array([[-3, -1, -2], [1, np.nan, 2], [0, 0, 0]], np.float32)
    check("Imputer", x, imputed_value_floats=[1.0, 2.0, 3.0], replaced_value_float=float("nan"))
    for norm in ("MAX", "L1", "L2"):
        check("Normalizer", np.nan_to_num(x), norm=norm)
    check("Imputer", np.arange(6).reshape(2, 3), imputed_value_int64s=[7], replaced_value_int64=2)
    texts = np.array([["a"], ["q"]], object)
    check("OneHotEncoder", texts, cats_strings=["a", "b"])
    check("OneHotEncoder", np.array([[1, 2.7]], "f"), cats_int64s=[1, 2, 3])
    pairs = {"cats_strings": ["a", "b"], "cats_int64s": [5, 6]}
    check("CategoryMapper", texts, default_int64=-3, **pairs)
    check("CategoryMapper", np.array([[5], [9]]), default_string="none", **pairs)
    check("FeatureVectorizer", x[:1], inputdimensions=[3])


def forest(side, outputs, modes, signs=True):
    """The attributes of four random trees; equal numbers meet thresholds."""
    names = (
        "treeids nodeids featureids values modes truenodeids falsenodeids missing_value_tracks_true"
    )
    rows, leaves = [], []

    def grow(tree, depth, first):
        at = len(rows) - first
        rows.append(None)
        if depth == 0 or RNG.random() < 0.15:
            rows[first + at] = (tree, at, 0, 0.0, "LEAF", 0, 0, 0)
            weights = RNG.normal(size=outputs) if signs else RNG.random(outputs) / 4
            leaves.extend((tree, at, i, float(w)) for i, w in enumerate(weights))
        else:
            children = grow(tree, depth - 1, first), grow(tree, depth - 1, first)
            test = (
                int(RNG.integers(4)),
                float(RNG.choice([-0.5, 0, 0.25])),
                str(RNG.choice(modes)),
            )
            rows[first + at] = (tree, at, *test, *children, int(RNG.integers(2)))
        return at

    for tree in range(4):
        grow(tree, 3, len(rows))
    nodes = {
        f"nodes_{k}": list(v) for k, v in zip(names.split(), zip(*rows, strict=True), strict=True)
    }
    ends = zip(("treeids", "nodeids", "ids", "weights"), zip(*leaves, strict=True), strict=True)
    return {**nodes, **{f"{side}_{k}": list(v) for k, v in ends}}


def rows():
    return RNG.choice([-2, -0.5, 0, 0.1, 0.25, 1, np.nan], (40, 4)).astype("f")


@pytest.mark.parametrize("modes", MODES)
def test_regressors_of_trees(modes):
    for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
        trees = {**forest("target", 3, MODES[modes]), "aggregate_function": aggregate}
        check("TreeEnsembleRegressor", rows(), n_targets=3, base_values=[0.1, 0.2, 0.3], **trees)


@pytest.mark.parametrize("post", POST)
@pytest.mark.parametrize("modes", MODES)
def test_classifiers_of_trees(modes, post):
    def classify(outputs, labels, signs=True, **more):
        trees = {**forest("class", outputs, MODES[modes], signs), "post_transform": post, **more}
        check("TreeEnsembleClassifier", rows(), 2, classlabels_int64s=labels, **trees)

    classify(3, [3, 4, 5])
    classify(2, [0, 1])
    for signs in (True, False):
        classify(1, [0, 1], signs)
        classify(1, [0, 1], signs, base_values=[0.3])


def test_classifiers_whose_scores_have_no_rule_are_refused():
    trees = forest("class", 1, ORDERED)
    trees["class_ids"] = [1] * len(trees["class_ids"])
    proto = _proto("TreeEnsembleClassifier", rows(), 2, {**trees, "classlabels_int64s": [0, 1]})
    with pytest.raises(UnimplementedError, match="give to the second"):
        _found(proto.SerializeToString(), rows())
