"""The builders of models by hand."""

from __future__ import annotations

import enum
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from penstock._src.bridge.decision_forests.building.columns import Columns
from penstock._src.bridge.decision_forests.building.imputation import impute
from penstock._src.bridge.decision_forests.building.saved import default_signature, save_built
from penstock._src.bridge.decision_forests.inspection import Loss, make_inspector
from penstock._src.bridge.decision_forests.py_tree.condition import (
    CategoricalIsInCondition,
    CategoricalSetContainsCondition,
)
from penstock._src.bridge.decision_forests.py_tree.dataspec import ColumnType, SimpleColumnSpec
from penstock._src.bridge.decision_forests.py_tree.node import (
    AbstractNode,
    LeafNode,
    NonLeafNode,
    node_to_core_node,
)
from penstock._src.bridge.decision_forests.py_tree.objective import (
    AbstractObjective,
    AbstractUpliftObjective,
    ClassificationObjective,
    RegressionObjective,
)
from penstock._src.bridge.decision_forests.py_tree.tree import Tree
from penstock._src.bridge.decision_forests.py_tree.value import ProbabilityValue, RegressionValue
from penstock._src.bridge.decision_forests.semantics import Task
from penstock._src.filesystems import files
from penstock._src.trees.readers import ydf_files
from penstock._src.trees.readers.ydf_schema import SCHEMA

__all__ = [
    "AbstractBuilder",
    "AdvancedArguments",
    "CARTBuilder",
    "ColumnType",
    "GradientBoostedTreeBuilder",
    "ModelFormat",
    "RandomForestBuilder",
    "Task",
]


class ModelFormat(enum.Enum):
    """The output of a builder: a SavedModel with YDF's files in its assets, or these files alone."""

    TENSORFLOW_SAVED_MODEL = 1
    YGGDRASIL_DECISION_FOREST = 2


@dataclass
class AdvancedArguments:
    """Rarely needed arguments of builders.

    Args:
      disable_categorical_integer_offset_correction: whether categories that are numbers are given to the SavedModel as conditions name them; else as one less.
      allow_slow_inference: has no meaning: there is one engine.
    """

    disable_categorical_integer_offset_correction: bool = False
    allow_slow_inference: bool = True


class AbstractBuilder:
    """A model that is built by hand, tree by tree.

    Args:
      path: the folder to make.
      objective: what is predicted.
      model_format: what is written.
      import_dataspec: columns of another model, as its inspector gives them.
      input_signature_example_fn: from an inspector to the specs of inputs of the SavedModel.
      file_prefix: what the names of YDF's files begin with; by default it is random.
      verbose: has no meaning.
      advanced_arguments: see `AdvancedArguments`.
      keras_model_name: of the Keras model.

    Raises:
      ValueError: the path is empty.
      NotImplementedError: such an objective, or format, is not written.
    """

    _model_type = _head_file = ""

    def __init__(
        self,
        path: str,
        objective: AbstractObjective,
        model_format: ModelFormat | None = ModelFormat.TENSORFLOW_SAVED_MODEL,
        import_dataspec: Any = None,
        input_signature_example_fn: Callable[[Any], Any] | None = default_signature,
        file_prefix: str | None = None,
        verbose: int = 1,
        advanced_arguments: AdvancedArguments | None = None,
        keras_model_name: str | None = None,
    ) -> None:
        if not path:
            raise ValueError("Expected the path of a folder. It is empty.")
        if not isinstance(model_format, ModelFormat):
            raise NotImplementedError(f"Expected a ModelFormat. Received: {model_format!r}")
        if isinstance(objective, AbstractUpliftObjective):
            raise NotImplementedError("Builders write no models of uplift.")
        self._path, self._objective, self._format = files.text_of(path), objective, model_format
        self._prefix = secrets.token_hex(8) if file_prefix is None else file_prefix
        self._signature = input_signature_example_fn or default_signature
        self._advanced = advanced_arguments or AdvancedArguments()
        self._name = keras_model_name
        self._trees: list[Tree] = []
        self._closed = False
        self._columns = Columns(objective)
        if import_dataspec is not None:
            self._columns.add_all(import_dataspec)

    @property
    def dataspec(self) -> Any:
        """The message with all columns so far."""
        return self._columns.specification

    @property
    def objective(self) -> AbstractObjective:
        """The task, with its columns and classes."""
        return self._objective

    def model_type(self) -> str:
        """Returns "RANDOM_FOREST" or "GRADIENT_BOOSTED_TREES"."""
        return self._model_type

    def yggdrasil_model_path(self) -> str:
        """Returns the folder that YDF's files are written to at first."""
        is_saved = self._format is ModelFormat.TENSORFLOW_SAVED_MODEL
        return os.path.join(self._path, "tmp") if is_saved else self._path

    def get_dictionary(self, col_name: str) -> list[str]:
        """Returns the texts of a column's categories, in the order of their numbers.

        Args:
          col_name: the column.

        Raises:
          ValueError: there is no such column, or it has no texts.
        """
        return self._columns.dictionary(col_name)

    def set_dictionary(self, col_name: str, dictionary: Sequence[str]) -> None:
        """Replaces the texts of a column's categories.

        Args:
          col_name: the column.
          dictionary: the texts, with "<OOD>" for all others.

        Raises:
          ValueError: there is no such column, it has no texts, or "<OOD>" is missing.
        """
        self._columns.set_dictionary(col_name, dictionary)

    def observe_feature(
        self, feature: SimpleColumnSpec, categorical_values: Sequence[Any] | None = None
    ) -> None:
        """Adds a feature, or categories of one. Those that trees test are added with the trees.

        Args:
          feature: the column.
          categorical_values: texts, or numbers.

        Raises:
          ValueError: the column has another type, or categories of the other kind.
        """
        self._columns.observe(feature, categorical_values)

    def add_tree(self, tree: Tree) -> None:
        """Adds a tree.

        Args:
          tree: the tree.

        Raises:
          ValueError: a node is missing, or a leaf does not predict the objective.
        """
        nodes = list(_nodes(tree.root))
        for leaf in nodes:
            if isinstance(leaf, LeafNode):
                self.check_leaf(leaf)
        for node in nodes:
            if isinstance(node, NonLeafNode):
                self._observe(node.condition)
        self._trees.append(tree)

    def _observe(self, condition: Any) -> None:
        has_items = (CategoricalIsInCondition, CategoricalSetContainsCondition)
        for feature in condition.features():
            self.observe_feature(
                feature, condition.mask if isinstance(condition, has_items) else None
            )

    def check_leaf(self, node: LeafNode) -> None:
        """Refuses a leaf that does not predict the objective.

        Args:
          node: the leaf.

        Raises:
          ValueError: it predicts something else.
          NotImplementedError: models of this kind have no such objective.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Writes the model; call it last.

        Raises:
          ValueError: it is written already, or its trees are too few.
          UnimplementedError: a SavedModel of conditions of several columns, or of sets, is asked for.
        """
        if self._closed:
            raise ValueError("The model is written already.")
        self._closed = True
        nodes = [node for tree in self._trees for node in _nodes(tree.root)]
        impute(self.dataspec, (n.condition for n in nodes if isinstance(n, NonLeafNode)))
        folder = self.yggdrasil_model_path()
        files.make_folders(folder)
        start = os.path.join(folder, self._prefix)
        ydf_files.write_nodes(start, (node_to_core_node(node, self.dataspec) for node in nodes))
        ydf_files.write_message(start, self._head_file, self._head())
        ydf_files.write_message(start, ydf_files.HEADER, self._header())
        ydf_files.write_message(start, ydf_files.COLUMNS, self.dataspec)
        files.write(start + ydf_files.DONE, b"")  # readers take a model as complete with it
        if self._format is ModelFormat.TENSORFLOW_SAVED_MODEL:
            try:
                self._save(folder)
            finally:
                files.remove_tree(folder)

    def _save(self, folder: str) -> None:
        """Writes the SavedModel of a folder of YDF."""
        signature = self._signature(make_inspector(folder, self._prefix))
        offset = int(not self._advanced.disable_categorical_integer_offset_correction)
        save_built(folder, self._prefix, self._path, signature, offset, self._name)

    def _header(self) -> Any:
        """The message about the whole model."""
        reserved, columns = self._columns.reserved, self.dataspec.columns
        message = SCHEMA["Model"](
            name=self._model_type,
            task=self.objective.task,
            label_col_idx=0,
            input_features=range(reserved, len(columns)),
        )
        if self.objective.task is Task.RANKING:
            message.ranking_group_col_idx = 1
        return message

    def _head(self) -> Any:
        """The message about trees."""
        raise NotImplementedError


def _nodes(root: AbstractNode | None) -> Iterator[AbstractNode]:
    """Each node, then its negative and then its positive side, as in YDF's files.

    Raises:
      ValueError: a node is missing.
    """
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, AbstractNode):
            raise ValueError(f"Expected a LeafNode or a NonLeafNode. Received: {node!r}")
        yield node
        if isinstance(node, NonLeafNode):
            waiting += [node.pos_child, node.neg_child]


class RandomForestBuilder(AbstractBuilder):
    """A random forest, whose prediction is the mean of its trees'.

    Args:
      path, objective, model_format: see `AbstractBuilder`.
      winner_take_all: whether each tree votes for one class.
      import_dataspec, input_signature_example_fn, file_prefix, verbose, advanced_arguments, keras_model_name: see `AbstractBuilder`.
    """

    _model_type, _head_file = "RANDOM_FOREST", ydf_files.FOREST

    def __init__(
        self,
        path: str,
        objective: AbstractObjective,
        model_format: ModelFormat | None = ModelFormat.TENSORFLOW_SAVED_MODEL,
        winner_take_all: bool | None = False,
        *others: Any,
        **options: Any,
    ) -> None:
        super().__init__(path, objective, model_format, *others, **options)
        self._votes = bool(winner_take_all)

    def check_leaf(self, node: LeafNode) -> None:
        """Refuses a leaf that does not predict the objective."""
        objective, value = self.objective, node.value
        if isinstance(objective, ClassificationObjective):
            if not isinstance(value, ProbabilityValue):
                raise ValueError(f"A leaf of classes is a ProbabilityValue. Received: {value}")
            if len(value.probability) != objective.num_classes:
                raise ValueError(
                    f"A leaf has {len(value.probability)} probabilities; there are {objective.num_classes} classes."
                )
        elif not isinstance(objective, RegressionObjective):
            raise NotImplementedError(f"A random forest has no such objective: {objective}")
        elif not isinstance(value, RegressionValue):
            raise ValueError(f"A leaf of numbers is a RegressionValue. Received: {value}")

    def _head(self) -> Any:
        return SCHEMA["Forest"](
            num_node_shards=1,
            num_trees=len(self._trees),
            winner_take_all_inference=self._votes,
            node_format=ydf_files.SEQUENCE,
        )


class CARTBuilder(RandomForestBuilder):
    """A single tree, which YDF keeps as a random forest."""

    def add_tree(self, tree: Tree) -> None:
        """Adds the tree.

        Args:
          tree: the tree.

        Raises:
          ValueError: there is one already, a node is missing, or a leaf does not predict the objective.
        """
        if self._trees:
            raise ValueError("There is a tree already; a RandomForestBuilder takes several.")
        super().add_tree(tree)


class GradientBoostedTreeBuilder(AbstractBuilder):
    """Boosted trees, whose prediction is a function of the sum of their leaves.

    Args:
      path, objective: see `AbstractBuilder`.
      bias: what sums begin with.
      model_format, import_dataspec, input_signature_example_fn, file_prefix, verbose, advanced_arguments, keras_model_name: see `AbstractBuilder`.

    Raises:
      ValueError: there is a bias of several classes, or the objective is uplift.
    """

    _model_type, _head_file = "GRADIENT_BOOSTED_TREES", ydf_files.BOOSTED

    def __init__(
        self,
        path: str,
        objective: AbstractObjective,
        bias: float | None = 0.0,
        model_format: ModelFormat | None = ModelFormat.TENSORFLOW_SAVED_MODEL,
        *others: Any,
        **options: Any,
    ) -> None:
        if isinstance(objective, AbstractUpliftObjective):
            raise ValueError("Boosted trees do not predict uplift.")
        super().__init__(path, objective, model_format, *others, **options)
        self._loss, self._sums = _loss_of(objective)
        if self._sums > 1 and bias:
            raise ValueError(
                f"A bias is for one sum; there are {self._sums} classes. Received: {bias}"
            )
        self._bias = bias or 0.0

    def check_leaf(self, node: LeafNode) -> None:
        """Refuses a leaf that is not a number."""
        if not isinstance(node.value, RegressionValue):
            raise ValueError(
                f"A leaf of boosted trees is a RegressionValue. Received: {node.value}"
            )

    def close(self) -> None:
        """Writes the model; call it last.

        Raises:
          ValueError: it is written already, or there is not the same number of trees for each class.
          UnimplementedError: a SavedModel of conditions of several columns, or of sets, is asked for.
        """
        if len(self._trees) % self._sums:
            raise ValueError(
                f"Expected as many trees for each of {self._sums} classes. There are {len(self._trees)}."
            )
        super().close()

    def _head(self) -> Any:
        return SCHEMA["Boosted"](
            num_node_shards=1,
            num_trees=len(self._trees),
            loss=self._loss,
            initial_predictions=[self._bias] * self._sums,
            num_trees_per_iter=self._sums,
            node_format=ydf_files.SEQUENCE,
        )


def _loss_of(objective: AbstractObjective) -> tuple[Loss, int]:
    """(the loss, whose link makes predictions of sums; how many sums there are)"""
    if isinstance(objective, ClassificationObjective):
        if objective.num_classes == 2:
            return Loss.BINOMIAL_LOG_LIKELIHOOD, 1
        return Loss.MULTINOMIAL_LOG_LIKELIHOOD, objective.num_classes
    return (Loss.SQUARED_ERROR if isinstance(objective, RegressionObjective) else Loss.LAMBDA_MART_NDCG), 1  # fmt: skip
