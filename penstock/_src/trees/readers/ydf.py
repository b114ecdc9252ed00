"""Models that YDF (Yggdrasil Decision Forests) saves: folders, also those inside of SavedModels of TensorFlow Decision Forests, and model objects of the package ydf."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.filesystems import files
from penstock._src.trees.ensemble import Ensemble, Feature
from penstock._src.trees.readers.forest import Forest
from penstock._src.trees.readers.ydf_files import (
    BOOSTED,
    COLUMNS,
    FOREST,
    HEADER,
    SEQUENCE,
    prefix_of,
    read_message,
    read_nodes,
)

_CLASSIFICATION, _TASKS = 1, {1, 2, 3}  # those of classes, numbers and ranks
_CATEGORICAL, _BOOLEAN, _DISCRETIZED = 4, 7, 9  # types of columns
_KINDS = {1, _CATEGORICAL, _BOOLEAN, _DISCRETIZED}  # numbers, besides
# Links of losses; a softmax has several sums.
_LINKS = {
    1: "sigmoid",
    2: "identity",
    3: "softmax",
    4: "identity",
    5: "identity",
    6: "sigmoid",
    7: "exp",
    8: "identity",
    9: "identity",
}


def is_model(value: Any) -> bool:
    """True if a value is a model of the package ydf."""
    return any(kind.__module__.startswith("ydf.model") for kind in type(value).__mro__)


def read_object(model: Any) -> Ensemble:
    """Returns the ensemble of a model of the package ydf."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        model.save(path)
        return read(path)


def read(folder: str, prefix: str | None = None) -> Ensemble:
    """Returns the ensemble of a folder.

    Args:
      folder: with the model's files.
      prefix: what their names begin with; by default it is looked for.

    Raises:
      ValueError, KeyError, IndexError: a file is damaged.
      UnimplementedError: the model is of a kind that is not implemented.
    """
    return _Reader(folder, prefix_of(folder) or "" if prefix is None else prefix).read()


class Kind(NamedTuple):
    """Position of a feature in the inputs of TensorFlow Decision Forests' ops.

    Attributes:
      kind: 0 of numbers, 1 of booleans, 2 of categories.
      place: among features of its kind.
      categories: how many there are; 0 if it is none.
    """

    kind: int
    place: int
    categories: int


def kinds_of(folder: str, prefix: str) -> list[Kind]:
    """Returns the kind of each feature of a folder's model, in the order of `Ensemble.features`.

    Args:
      folder: with the model's files.
      prefix: what their names begin with.

    Raises:
      ValueError, KeyError, IndexError: a file is damaged.
    """
    reader = _Reader(folder, prefix)
    counts, kinds = [0, 0, 0], {}
    for column in sorted(reader.inputs):
        spec = reader.columns[column]
        kind = {_BOOLEAN: 1, _CATEGORICAL: 2}.get(spec.type, 0)
        categories = spec.categorical.number_of_unique_values if kind == 2 else 0
        kinds[column] = Kind(kind, counts[kind], categories)
        counts[kind] += 1
    return [kinds[column] for column in reader.inputs]


class _Reader:
    """Reads a folder."""

    def __init__(self, folder: str, prefix: str) -> None:
        self.start = os.path.join(folder, prefix)
        self.about = read_message(self.start, "Model", HEADER)
        self.columns = read_message(self.start, "Specification", COLUMNS).columns
        self.inputs = list(self.about.input_features)
        if self.about.task not in _TASKS:
            raise UnimplementedError(
                f"YDF's task {self.about.task} is not implemented: only classes, numbers and ranks are."
            )
        self.place = {column: i for i, column in enumerate(self.inputs)}

    def read(self) -> Ensemble:
        """Returns the ensemble."""
        labels = self._labels() if self.about.task == _CLASSIFICATION else ()
        is_boosted = files.is_file(self.start + BOOSTED)
        kind = ("Boosted", BOOSTED) if is_boosted else ("Forest", FOREST)
        head = read_message(self.start, *kind)
        if head.node_format != SEQUENCE:
            raise UnimplementedError(
                f"YDF's format of nodes {head.node_format!r} is not implemented."
            )
        if is_boosted:
            if head.loss not in _LINKS:
                raise UnimplementedError(f"YDF's loss {head.loss} is not implemented.")
            sums, link = (
                max(1, head.num_trees_per_iter),
                "identity" if head.output_logits else _LINKS[head.loss],
            )
            base = np.asarray(head.initial_predictions, np.float32)
            if len(base) != sums:
                raise ValueError(f"There are {len(base)} initial predictions of {sums} sums.")
            votes, divisor = False, 1.0
        else:
            sums = max(1, len(labels))
            link = "second class" if sums == 2 else "columns" if labels else "identity"
            votes = not head.HasField("winner_take_all_inference") or head.winner_take_all_inference
            base, divisor = np.zeros(sums, np.float32), float(max(1, head.num_trees))
        forest = Forest(np.float32, strict=True)
        nodes = read_nodes(self.start, head.num_node_shards)
        for number in range(head.num_trees):
            self._add(forest, nodes, sums, number % sums if is_boosted else None, votes)
        if next(nodes, None) is not None:
            raise ValueError("There are more nodes than trees have.")
        features = tuple([self._feature(self.columns[i]) for i in self.inputs])
        tables = forest.tables(len(features), sums)
        return Ensemble("YDF", features, tables, base, "float32", link, divisor, labels=labels)

    def _labels(self) -> tuple[str | int, ...]:
        spec = self.columns[self.about.label_col_idx].categorical
        if spec.is_already_integerized:
            return tuple(range(1, spec.number_of_unique_values))
        return _vocabulary(spec)[1:]

    def _feature(self, column: Any) -> Feature:
        if column.type not in _KINDS:
            raise UnimplementedError(
                f"YDF's type {column.type} of the column {column.name!r} is not implemented."
            )
        has_texts = column.type == _CATEGORICAL and not column.categorical.is_already_integerized
        return Feature(column.name, _vocabulary(column.categorical) if has_texts else None)

    def _add(
        self, forest: Forest, nodes: Iterator[Any], sums: int, target: int | None, votes: bool
    ) -> None:
        """Adds a tree, whose nodes come each before its negative and then its positive side."""
        tree = _Tree(1 if target is not None else sums)
        waiting = [(-1, 0)]
        while waiting:
            node = next(nodes, None)
            if node is None:
                raise ValueError("A tree ends too early.")
            number = tree.new(*waiting.pop())
            if node.HasField("condition"):
                positive = 0 if self._test(forest, tree, number, node.condition) else 1
                waiting += [(number, positive), (number, 1 - positive)]  # the negative side is next
            else:
                tree.values[number] = self._value(node, sums, target, votes)
        tree.add_to(forest, target or 0)

    def _value(self, node: Any, sums: int, target: int | None, votes: bool) -> Sequence[float]:
        if target is not None or self.about.task != _CLASSIFICATION:
            return (node.regressor.top_value,)
        classes = node.classifier
        if votes:
            if not 1 <= classes.top_value <= sums:
                raise ValueError("A leaf has a class that does not exist.")
            return np.eye(sums, dtype=np.float32)[classes.top_value - 1]
        counts = np.asarray(classes.distribution.counts)[1:]
        if len(counts) != sums or not classes.distribution.sum > 0:
            raise ValueError("A leaf has other classes than the model.")
        return counts / classes.distribution.sum

    def _test(self, forest: Forest, tree: _Tree, number: int, test: Any) -> bool:
        """Writes a node's test; returns True if its positive side is on the left."""
        column = test.attribute
        if column not in self.place:
            raise ValueError("A node tests a column that is not a feature.")
        kind = test.condition
        tree.feature[number], spec = self.place[column], self.columns[column]
        chosen = None
        if kind.HasField("higher_condition"):
            tree.threshold[number] = kind.higher_condition.threshold
        elif kind.HasField("discretized_higher_condition"):
            bounds = spec.discretized_numerical.boundaries
            tree.threshold[number] = bounds[kind.discretized_higher_condition.threshold - 1]
        elif kind.HasField("true_value_condition"):
            tree.threshold[number] = 0.5
        elif kind.HasField("contains_condition"):
            chosen = kind.contains_condition.elements
        elif kind.HasField("contains_bitmap_condition"):
            bits = np.frombuffer(kind.contains_bitmap_condition.elements_bitmap, np.uint8)
            chosen = np.flatnonzero(np.unpackbits(bits, bitorder="little"))
        elif kind.HasField("na_condition"):  # no number is below, so that only missing ones go left
            tree.threshold[number] = -np.inf
            tree.missing_left[number] = True
            return True
        else:
            raise UnimplementedError(
                "YDF's oblique conditions and those of vectors are not implemented."
            )
        if chosen is None:
            tree.missing_left[number] = not test.na_value
            return False
        if spec.type != _CATEGORICAL:
            raise UnimplementedError("YDF's conditions on sets of categories are not implemented.")
        tree.set_of[number] = forest.add_set(chosen)
        tree.missing_left[number] = test.na_value
        return True


class _Tree:
    """The nodes of one tree."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.left: list[int] = []
        self.right: list[int] = []
        self.feature: list[int] = []
        self.threshold: list[float] = []
        self.missing_left: list[bool] = []
        self.set_of: list[int] = []
        self.values: dict[int, Sequence[float]] = {}

    def new(self, parent: int, side: int) -> int:
        """Adds a node on the left (0) or right (1) of another; returns its number."""
        number = len(self.left)
        if parent >= 0:
            (self.right if side else self.left)[parent] = number
        for column, start in (
            (self.left, -1),
            (self.right, -1),
            (self.feature, 0),
            (self.set_of, -1),
        ):
            column.append(start)
        self.threshold.append(0.0)
        self.missing_left.append(False)
        return number

    def add_to(self, forest: Forest, target: int) -> None:
        """Adds the tree to others."""
        values = np.zeros((len(self.left), self.width), np.float32)
        for number, value in self.values.items():
            values[number] = value
        columns = (
            np.array(c)
            for c in (self.left, self.right, self.feature, self.threshold, self.missing_left)
        )
        forest.add(*columns, values, target, np.array(self.set_of))


def _vocabulary(spec: Any) -> tuple[str, ...]:
    """The texts of a column's categories, in the order of their numbers."""
    texts = {item.index: text for text, item in spec.items.items()}
    if set(texts) != set(range(len(texts))):
        raise ValueError("The categories of a column have no numbers one after the other.")
    return tuple([texts[i] for i in range(len(texts))])
