"""Pictures of trees of `py_tree`."""

import re
import xml.dom.minidom

from penstock._src.bridge.decision_forests.plotting import DisplayOptions, plot_tree
from penstock._src.bridge.decision_forests.py_tree import condition, dataspec, node, tree, value

AGE = dataspec.SimpleColumnSpec("age", dataspec.ColumnType.NUMERICAL)


def leaf(number):
    return node.LeafNode(value.RegressionValue(number))


def grown():
    first, second = (condition.NumericalHigherThanCondition(AGE, each, False) for each in (1, 2))
    inner = node.NonLeafNode(second, leaf(5), leaf(6))
    return tree.Tree(node.NonLeafNode(first, inner, leaf(7)), ["a<b", "c"])


def titles(page):
    picture = xml.dom.minidom.parseString(page[: page.rindex("<p>")])
    return [each.firstChild.data for each in picture.getElementsByTagName("title")]


def test_a_picture_has_all_nodes_and_edges():
    page = plot_tree(grown(), display_options=DisplayOptions(node_x_size=150))
    assert [text.split(";")[0] for text in titles(page)] == [
        "(age >= 1",
        "(age >= 2",
        "RegressionValue(value=5,n=1.0)",
        "RegressionValue(value=6,n=1.0)",
        "RegressionValue(value=7,n=1.0)",
    ]
    assert page.count("<path") == 4 and 'width="150"' in page and "a&lt;b" in page
    rows = [float(y) for y in re.findall(r'<svg x="[\d.]+" y="([\d.]+)"', page)]
    assert rows == [33 * row for row in (1.25, 0.5, 0, 1, 2)]


def test_a_picture_of_some_depth_and_of_nothing():
    assert len(titles(plot_tree(grown(), max_depth=1))) == 3
    assert titles(plot_tree(tree.Tree(None))) == []
