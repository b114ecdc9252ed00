"""Models that are built by hand: predictions, files and errors, as TensorFlow Decision Forests 1.12 has them."""

import math

import numpy as np
import pytest

import penstock as tf

tf.install_as_tensorflow()

import tensorflow_decision_forests as forests  # noqa: E402  (the stand-in is installed above)

build, trees = forests.builder, forests.py_tree
KIND = trees.dataspec.ColumnType
FORMAT = build.ModelFormat
AGE, COLOR, CODE = (
    trees.dataspec.SimpleColumnSpec("age", KIND.NUMERICAL),
    trees.dataspec.SimpleColumnSpec("color", KIND.CATEGORICAL),
    trees.dataspec.SimpleColumnSpec("code", KIND.CATEGORICAL),
)
TWO = trees.objective.ClassificationObjective("label", classes=["no", "yes"])
THREE = trees.objective.ClassificationObjective("label", classes=["a", "b", "c"])
NUMBER = trees.objective.RegressionObjective("label")
ROWS = {
    "age": tf.constant([1.0, 2.0, math.nan, 1.5, 4.0]),
    "color": tf.constant(["red", "red", "blue", "", "<OOD>"]),
}


def number(value, rows=1.0):
    return trees.node.LeafNode(trees.value.RegressionValue(value, rows))


def shares(*given, rows=1.0):
    return trees.node.LeafNode(trees.value.ProbabilityValue(list(given), rows))


def tree(pos_pos, pos_neg, neg, missing=False, mask=("red", "green")):
    """age >= 1.5, then color in mask."""
    inner = trees.condition.CategoricalIsInCondition(COLOR, list(mask), missing)
    outer = trees.condition.NumericalHigherThanCondition(AGE, 1.5, missing)
    below = trees.node.NonLeafNode(inner, pos_pos, pos_neg)
    return trees.tree.Tree(trees.node.NonLeafNode(outer, below, neg))


def of_codes(mask, missing):
    test = trees.condition.CategoricalIsInCondition(CODE, mask, missing)
    return trees.tree.Tree(trees.node.NonLeafNode(test, number(1), number(2)))


def written(folder, kind, objective, *grown, **options):
    builder = getattr(build, kind)(path=str(folder), objective=objective, **options)
    for each in grown:
        builder.add_tree(each)
    builder.close()
    return str(folder)


def predicted(folder, rows=ROWS):
    loaded = tf.saved_model.load(folder)
    (named,) = loaded.signatures["serving_default"](**rows).values()
    np.testing.assert_array_equal(loaded(rows), named)
    return named.numpy()


def test_probabilities(tmp_path):
    first = shares(0.8, 0.1, 0.1, rows=10), shares(0.1, 0.8, 0.1), shares(0.1, 0.1, 0.8, rows=30)
    grown = tree(*first), tree(*first[::-1], missing=True, mask=("<OOD>", "blue"))
    made = predicted(written(tmp_path, "RandomForestBuilder", THREE, *grown))
    expected = [[0.45, 0.1, 0.45], [0.45, 0.45, 0.1], [0.1, 0.1, 0.8], [0.1, 0.45, 0.45], [0.1, 0.45, 0.45]]  # fmt: skip
    np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_votes_of_two_classes(tmp_path):
    grown = tree(shares(0.8, 0.2), shares(0.1, 0.9), shares(0.3, 0.7))
    options = {"winner_take_all": True}
    made = predicted(written(tmp_path, "RandomForestBuilder", TWO, grown, **options))
    np.testing.assert_array_equal(made, [[1], [0], [1], [1], [1]])


def test_boosting_of_two_classes(tmp_path):
    grown = tree(number(1), number(-1), number(0.5)), tree(number(0.25), number(-0.5), number(2), missing=True)  # fmt: skip
    made = predicted(written(tmp_path, "GradientBoostedTreeBuilder", TWO, *grown, bias=1.0))
    expected = [[0.97068775], [0.9046505], [0.7310586], [0.56217653], [0.37754068]]
    np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_boosting_of_three_classes(tmp_path):
    leaves = [(1, -1, 0.5), (0.25, -0.5, 2), (0.5, -0.25, 0)]
    grown = [tree(*map(number, each), missing=i == 2) for i, each in enumerate(leaves)]
    made = predicted(written(tmp_path, "GradientBoostedTreeBuilder", THREE, *grown))
    np.testing.assert_allclose(made[1], [0.48102427, 0.22721979, 0.29175597], rtol=1e-6)
    np.testing.assert_allclose(made.sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "objective", [NUMBER, trees.objective.RankingObjective("label", "query")], ids=repr
)
def test_boosting_of_numbers_and_ranks(tmp_path, objective):
    grown = tree(number(1), number(-1), number(0.5))
    folder = written(tmp_path, "GradientBoostedTreeBuilder", objective, grown, bias=0.5)
    np.testing.assert_array_equal(predicted(folder), [[1], [1.5], [1], [-0.5], [-0.5]])
    inspector = forests.inspector.make_inspector(folder + "/assets")
    assert inspector.objective() == objective and inspector.bias == 0.5
    assert (inspector.loss, inspector.num_trees_per_iter) == (2 if objective is NUMBER else 9, 1)


CODES = [-5, -2, -1, 0, 1, 2, 3, 100]


@pytest.mark.parametrize(
    ("as_named", "missing", "mask", "expected"),
    [
        (True, True, [2, 3], [2, 2, 1, 2, 2, 1, 1, 2]),
        (True, False, [0, 2], [1, 1, 2, 1, 2, 1, 1, 1]),
        (False, True, [2, 3], [2, 1, 2, 2, 1, 1, 2, 2]),
        (False, False, [0, 2], [1, 2, 1, 2, 1, 1, 1, 1]),
    ],
)
def test_categories_that_are_numbers(tmp_path, as_named, missing, mask, expected):
    options = build.AdvancedArguments(disable_categorical_integer_offset_correction=as_named)
    grown = of_codes(mask, missing)
    folder = written(tmp_path, "CARTBuilder", NUMBER, grown, advanced_arguments=options)
    made = predicted(folder, {"code": tf.constant(CODES, tf.int32)})
    np.testing.assert_array_equal(made[:, 0], expected)
    column = forests.inspector.make_inspector(folder + "/assets").dataspec.columns[1].categorical
    assert column.number_of_unique_values == max(mask) + 1
    assert column.most_frequent_value == (min(mask) if missing else 1)


def test_what_missing_numbers_count_as(tmp_path):
    def test(name, threshold, missing, pos, neg):
        column = trees.dataspec.SimpleColumnSpec(name, KIND.NUMERICAL)
        made = trees.condition.NumericalHigherThanCondition(column, threshold, missing)
        return trees.node.NonLeafNode(made, pos, neg)

    first = test("a", 2.0, False, number(1), number(2))
    second = test("b", -3.0, True, test("b", 4.0, False, number(3), number(4)), number(5))
    grown = trees.tree.Tree(test("a", -1.0, False, first, second))
    folder = written(tmp_path, "GradientBoostedTreeBuilder", NUMBER, grown)
    rows = {"a": tf.constant([math.nan, 1, -2]), "b": tf.constant([-4, -4, math.nan])}
    np.testing.assert_array_equal(predicted(folder, rows), [[5], [2], [4]])
    columns = forests.inspector.make_inspector(folder + "/assets").dataspec.columns
    assert [columns[i].numerical.mean for i in (1, 2)] == [-1.5, 0.5]


def test_what_is_built_is_read_back_and_built_again(tmp_path):
    grown = tree(shares(0.8, 0.2, rows=10), shares(0.5, 0.5), shares(0.25, 0.75, rows=4), True)
    grown.root.value = trees.value.ProbabilityValue([0.5, 0.5], 15.0)
    options = {"model_format": FORMAT.YGGDRASIL_DECISION_FOREST, "file_prefix": "one_"}
    folder = written(tmp_path / "1", "RandomForestBuilder", TWO, grown, grown, **options)
    first = forests.inspector.make_inspector(folder)
    assert (first.file_prefix, first.directory, first.model_type()) == ("one_", folder, "RANDOM_FOREST")  # fmt: skip
    assert first.winner_take_all_inference() is False and first.num_trees() == 2
    assert first.objective() == TWO and first.label_classes() == ["no", "yes"]
    assert repr(first.features()) == '["age" (1; #1), "color" (4; #2)]'
    assert first.variable_importances() == {"NUM_AS_ROOT": [(first.features()[0], 2.0)]}
    found = [(each.depth, each.tree_idx, type(each.node).__name__) for each in first.iterate_on_nodes()]  # fmt: skip
    assert found[:5] == [(0, 0, "NonLeafNode"), (1, 0, "LeafNode"), (1, 0, "NonLeafNode"), (2, 0, "LeafNode"), (2, 0, "LeafNode")]  # fmt: skip
    assert found[5:] == [(depth, 1, kind) for depth, _, kind in found[:5]]
    assert first.extract_tree(1).root.pos_child.pos_child.leaf_idx == 2
    options["import_dataspec"] = first.dataspec
    again = written(tmp_path / "2", "RandomForestBuilder", TWO, *first.extract_all_trees(), **options)  # fmt: skip
    second = forests.inspector.make_inspector(again)
    assert [str(t) for t in second.extract_all_trees()] == [str(t) for t in first.extract_all_trees()]  # fmt: skip
    with pytest.raises(IndexError, match="2 trees"):
        first.extract_tree(2)


def test_ydf_predicts_the_same(tmp_path):
    ydf = pytest.importorskip("ydf")
    grown = tree(shares(0.8, 0.1, 0.1), shares(0.1, 0.8, 0.1), shares(0.1, 0.1, 0.8))
    folder = written(tmp_path, "CARTBuilder", THREE, grown)
    rows = {"age": ROWS["age"].numpy(), "color": ROWS["color"].numpy().astype(str)}
    found = ydf.load_model(folder + "/assets").predict(rows)
    np.testing.assert_allclose(predicted(folder), found, rtol=1e-6)


def test_dictionaries(tmp_path):
    builder = build.CARTBuilder(path=str(tmp_path), objective=NUMBER)
    builder.add_tree(tree(number(1), number(2), number(3), mask=["<OOD>", "red"]))
    assert builder.get_dictionary("color") == ["<OOD>", "red"]
    builder.set_dictionary("color", ["blue", "<OOD>", "red"])
    assert builder.get_dictionary("color") == ["<OOD>", "blue", "red"]
    builder.observe_feature(COLOR, ["grey"])
    builder.close()
    rows = {"age": tf.constant([2.0] * 4), "color": tf.constant(["red", "blue", "grey", "pink"])}
    np.testing.assert_array_equal(predicted(str(tmp_path), rows), [[1], [2], [2], [1]])
    with pytest.raises(ValueError, match="written already"):
        builder.close()


def test_a_model_replaces_another_of_its_folder(tmp_path):
    for value in (1, 2):
        folder = written(tmp_path, "CARTBuilder", NUMBER, tree(*[number(value)] * 3))
    np.testing.assert_array_equal(predicted(folder), [[2]] * 5)
    assert forests.inspector.make_inspector(folder + "/assets").num_trees() == 1


def test_specs_of_inputs(tmp_path):
    def wide(inspector):
        made = forests.keras.build_default_input_model_signature(inspector)
        assert made["color"].dtype == tf.string
        return made | {"age": tf.TensorSpec([None], tf.int64)}

    grown = tree(number(1), number(2), number(3))
    folder = written(tmp_path, "CARTBuilder", NUMBER, grown, input_signature_example_fn=wide)
    rows = {"age": tf.constant([1, 2], tf.int64), "color": tf.constant(["red", "red"])}
    np.testing.assert_array_equal(predicted(folder, rows), [[3], [1]])


OTHER = {"path": "x", "model_format": FORMAT.YGGDRASIL_DECISION_FOREST}


@pytest.mark.parametrize(
    ("kind", "objective", "leaf", "text"),
    [
        ("CARTBuilder", NUMBER, shares(0.5, 0.5), "RegressionValue"),
        ("CARTBuilder", TWO, number(1), "ProbabilityValue"),
        ("CARTBuilder", TWO, shares(0.5, 0.25, 0.25), "3 probabilities"),
        ("GradientBoostedTreeBuilder", TWO, shares(0.5, 0.5), "RegressionValue"),
        ("CARTBuilder", NUMBER, None, "Received: None"),
        ("CARTBuilder", NUMBER, tree(number(1), number(2), None).root, "Received: None"),
    ],
)
def test_trees_that_are_refused(kind, objective, leaf, text):
    builder = getattr(build, kind)(objective=objective, **OTHER)
    with pytest.raises(ValueError, match=text):
        builder.add_tree(trees.tree.Tree(leaf))


def test_models_that_are_refused(tmp_path):
    uplift = trees.objective.NumericalUpliftObjective("label", "treatment")
    for error, kind, options, text in [
        (ValueError, "CARTBuilder", {"path": "", "objective": TWO}, "path"),
        (ValueError, "GradientBoostedTreeBuilder", {"path": "x", "objective": THREE, "bias": 1.0}, "bias"),
        (ValueError, "GradientBoostedTreeBuilder", {"path": "x", "objective": uplift}, "uplift"),
        (NotImplementedError, "CARTBuilder", {"path": "x", "objective": uplift}, "uplift"),
        (NotImplementedError, "CARTBuilder", {"path": "x", "objective": TWO, "model_format": None}, "ModelFormat"),
    ]:  # fmt: skip
        with pytest.raises(error, match=text):
            getattr(build, kind)(**options)
    one = build.CARTBuilder(objective=NUMBER, **OTHER)
    one.add_tree(trees.tree.Tree(number(1)))
    with pytest.raises(ValueError, match="already"):
        one.add_tree(trees.tree.Tree(number(1)))
    with pytest.raises(ValueError, match="3 classes"):
        written(tmp_path, "GradientBoostedTreeBuilder", THREE, trees.tree.Tree(number(1)))


def test_columns_that_are_refused():
    builder = build.CARTBuilder(objective=NUMBER, **OTHER)
    builder.observe_feature(AGE)
    builder.observe_feature(COLOR, ["red"])
    builder.observe_feature(CODE, [1])
    for call, text in [
        (lambda: builder.observe_feature(AGE._replace(type=KIND.CATEGORICAL)), "NUMERICAL"),
        (lambda: builder.observe_feature(COLOR, [1]), "texts as well as numbers"),
        (lambda: builder.observe_feature(CODE, ["red"]), "texts as well as numbers"),
        (lambda: builder.get_dictionary("x"), "no column"),
        (lambda: builder.get_dictionary("age"), "no categories"),
        (lambda: builder.get_dictionary("code"), "no texts"),
        (lambda: builder.set_dictionary("color", ["red"]), "lacks '<OOD>'"),
    ]:
        with pytest.raises(ValueError, match=text):
            call()


def test_a_saved_model_of_several_columns_at_once_is_refused(tmp_path):
    test = trees.condition.NumericalSparseObliqueCondition([AGE, AGE], [1.0, 2.0], 0.5, False)
    grown = trees.tree.Tree(trees.node.NonLeafNode(test, number(1), number(2)))
    with pytest.raises(tf.errors.UnimplementedError, match="oblique"):
        written(tmp_path / "saved", "CARTBuilder", NUMBER, grown)
    folder = written(tmp_path / "ydf", "CARTBuilder", NUMBER, grown, model_format=OTHER["model_format"])  # fmt: skip
    found = forests.inspector.make_inspector(folder).extract_tree(0).root.condition
    assert found.weights == [1.0, 2.0] and [each.name for each in found.features()] == [
        "age",
        "age",
    ]


def test_models_that_are_not_found(tmp_path):
    with pytest.raises(ValueError, match="no model"):
        forests.inspector.make_inspector(str(tmp_path))
    with pytest.raises(tf.errors.NotFoundError):
        forests.inspector.make_inspector(str(tmp_path / "x"))
    options = {"model_format": FORMAT.YGGDRASIL_DECISION_FOREST}
    for prefix in ("a_", "b_"):
        written(tmp_path, "CARTBuilder", NUMBER, trees.tree.Tree(number(1)), file_prefix=prefix, **options)  # fmt: skip
    with pytest.raises(ValueError, match="'a_', 'b_'"):
        forests.inspector.detect_model_file_prefix(str(tmp_path))
    assert forests.inspector.make_inspector(str(tmp_path), "b_").file_prefix == "b_"


def test_legacy_keras_reads_what_was_written_with_it(tmp_path):
    keras = pytest.importorskip("tf_keras")
    grown = tree(shares(0.8, 0.2), shares(0.1, 0.9), shares(0.3, 0.7))
    folder = written(tmp_path, "CARTBuilder", TWO, grown, keras_model_name="mine")
    model = keras.models.load_model(folder)
    rows = tf.data.Dataset.from_tensor_slices(ROWS).batch(2)
    assert model.name == "mine"
    np.testing.assert_allclose(model.predict(rows, verbose=0), predicted(folder), rtol=1e-6)
