"""Trees as Python objects, and what they look like; the texts are those that TensorFlow Decision Forests 1.12 gives."""

import pytest

from penstock._src.bridge.decision_forests.py_tree import (
    condition,
    dataspec,
    node,
    objective,
    tree,
    value,
)
from penstock._src.trees.readers.ydf_schema import SCHEMA

KIND = dataspec.ColumnType
AGE = dataspec.SimpleColumnSpec("age", KIND.NUMERICAL)
COLOR = dataspec.SimpleColumnSpec("color", KIND.CATEGORICAL, 2)


def grown():
    below = node.NonLeafNode(
        condition.CategoricalIsInCondition(COLOR, ["red"], True, 0.5),
        node.LeafNode(value.ProbabilityValue([0.75, 0.25], 8), 2),
        node.LeafNode(value.RegressionValue(2, 3, 0.5)),
    )
    leaf = node.LeafNode(value.UpliftValue([0.5]))
    test = condition.NumericalHigherThanCondition(AGE, 1.5, False)
    return tree.Tree(node.NonLeafNode(test, below, leaf), ["no", "yes"])


def test_a_tree_as_lines():
    assert str(grown()).splitlines() == [
        "(age >= 1.5; miss=False, score=None)",
        "    ├─(pos)─ (color in ['red']; miss=True, score=0.5)",
        "    │        ├─(pos)─ ProbabilityValue([0.75, 0.25],n=8) (idx=2)",
        "    │        └─(neg)─ RegressionValue(value=2,sd=0.5,n=3)",
        "    └─(neg)─ UpliftValue(treatment_effect=[0.5],n=1.0)",
        "Label classes: ['no', 'yes']",
    ]
    assert grown().pretty(max_depth=1).splitlines()[1] == "..."
    assert str(tree.Tree(None)) == "No root\n"


def test_a_tree_in_one_line():
    leaf = node.LeafNode(value.RegressionValue(1))
    test = condition.IsTrueCondition(AGE, None)
    assert repr(tree.Tree(node.NonLeafNode(test, leaf, value=value.RegressionValue(2)))) == (
        "Tree(root=NonLeafNode(condition=(age is true; miss=None, score=None), "
        "pos_child=LeafNode(value=RegressionValue(value=1,n=1.0), idx=None), neg_child=None, "
        "value=RegressionValue(value=2,n=1.0)), label_classes=None)"
    )
    assert f"{AGE} {COLOR}" == '"age" (1; #None) "color" (4; #2)'


def test_nodes_are_edited():
    made = grown()
    made.root.pos_child, made.root.condition = made.root.neg_child, condition.IsMissingInCondition(AGE)  # fmt: skip
    made.root.neg_child.value = value.RegressionValue(5)
    assert str(made.root) == (
        "(age is missing, score=None)\n"
        "    ├─(pos)─ RegressionValue(value=5,n=1.0)\n"
        "    └─(neg)─ RegressionValue(value=5,n=1.0)\n"
    )


def test_conditions_are_equal_if_they_test_the_same():
    first = condition.NumericalHigherThanCondition(AGE, 1.5, False)
    assert first == condition.NumericalHigherThanCondition(AGE, 1.5, True, 3.0)
    assert first != condition.NumericalHigherThanCondition(AGE, 2.5, False)
    oblique = condition.NumericalSparseObliqueCondition
    assert oblique([AGE], [1.0], 2.0, False) == oblique([AGE], [1.0], 2.0, True)
    assert repr(oblique([AGE], [1.0], 2.0, None)) == (
        '(["age" (1; #None)] . [1.0] >= 2.0; miss=None, score=None)'
    )


def test_types_are_numbers_with_names():
    assert KIND.CATEGORICAL == 4 and KIND.Name(4) == "CATEGORICAL" and KIND.Value("BOOLEAN") == 7
    with pytest.raises(ValueError, match="no value 'NONE'"):
        KIND.Value("NONE")


def test_objectives():
    classes = objective.ClassificationObjective("color", classes=["a", "b"])
    assert classes.num_classes == 2 and not classes.has_integer_labels
    assert classes == objective.ClassificationObjective("color", ["a", "b"], num_classes=2)
    assert objective.ClassificationObjective("color", num_classes=3).has_integer_labels
    assert repr(classes) == "Classification(label=color, class=['a', 'b'], num_classes=2)"
    effects = objective.CategoricalUpliftObjective("a", "t"), objective.NumericalUpliftObjective("a", "t")  # fmt: skip
    assert (
        effects[0] != effects[1] and repr(effects[0]) == "CategoricalUplift(label=a, treatment=t)"
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"classes": ["a"]},
        {"num_classes": 1},
        {"classes": ["a", "b"], "num_classes": 3},
    ],  # fmt: skip
)
def test_objectives_that_make_no_sense(options):
    with pytest.raises(ValueError, match="class"):
        objective.ClassificationObjective("color", **options)
    with pytest.raises(ValueError, match="label"):
        objective.RegressionObjective("")


def specification():
    columns = [
        {"name": "age", "type": KIND.NUMERICAL},
        {"name": "bins", "type": KIND.DISCRETIZED_NUMERICAL},
        {"name": "color", "type": KIND.CATEGORICAL},
    ]
    made = SCHEMA["Specification"](columns=columns)
    made.columns[1].discretized_numerical.boundaries[:] = [1, 2, 4]
    for number, text in enumerate(["<OOD>", *map(str, range(999))]):
        made.columns[2].categorical.items[text].index = number
    made.columns[2].categorical.number_of_unique_values = 1000
    return made


@pytest.mark.parametrize(
    "test",
    [
        condition.IsMissingInCondition(AGE, 0.5),
        condition.IsTrueCondition(AGE, True, 0.25),
        condition.NumericalHigherThanCondition(AGE, 1.5, True, 0.25),
        condition.CategoricalIsInCondition(COLOR, ["7", "3"], False, 0.25),
        condition.CategoricalIsInCondition(COLOR, list(map(str, range(5, 300))), False, 0.25),
        condition.NumericalSparseObliqueCondition([AGE, AGE], [1.0, -2.0], 3.0, True, 0.25),
    ],
)
def test_conditions_in_files(test):
    columns = specification()
    message = SCHEMA["Node"]()
    condition.set_core_node(test, columns, message)
    read = condition.core_condition_to_condition(message.condition, columns)
    named = [repr(each).replace("#0", "#None").replace("'3', '7'", "'7', '3'") for each in (read, test)]  # fmt: skip
    assert type(read) is type(test) and named[0] == named[1]


def test_what_conditions_in_files_need():
    columns = specification()
    for wrong, kind, text in [
        (condition.NumericalSparseObliqueCondition([], [], 0.0, True), ValueError, "no columns"),
        (condition.IsTrueCondition(AGE, None), TypeError, "missing values"),
        (condition.IsTrueCondition(AGE._replace(name="x"), True), ValueError, "column 'x'"),
        (condition.CategoricalIsInCondition(COLOR, ["q"], True), ValueError, "lacks 'q'"),
        (condition.AbstractCondition(), NotImplementedError, None),
    ]:
        with pytest.raises(kind, match=text):
            condition.set_core_node(wrong, columns, SCHEMA["Node"]())


@pytest.mark.parametrize(
    "given", [value.ProbabilityValue([0.75, 0.25], 8.0), value.RegressionValue(2.5, 4.0, 1.5)]
)
def test_values_in_files(given):
    message = SCHEMA["Node"]()
    value.set_core_node(given, message)
    assert value.core_value_to_value(message) == given
    assert value.core_value_to_value(SCHEMA["Node"]()) is None


def test_categories():
    column = specification().columns[2]
    assert dataspec.categorical_value_idx_to_value(column, 2) == "1"
    assert dataspec.label_value_idx_to_value(column, 0) == "0"
    assert dataspec.categorical_value_idx_to_value(column, 5000) == dataspec.OUT_OF_DICTIONARY
    assert dataspec.categorical_column_dictionary_to_list(column)[:3] == ["<OOD>", "0", "1"]
    column.categorical.items["1"].index = 0
    with pytest.raises(ValueError, match="numbered"):
        dataspec.categorical_column_dictionary_to_list(column)


def test_numbers_of_bins():
    column = specification().columns[1]
    numbers = [dataspec.discretized_numerical_to_numerical(column, each) for each in range(5)]
    assert numbers[:4] == [0.0, 1.5, 3.0, 5.0] and numbers[4] != numbers[4]
