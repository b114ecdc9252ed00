"""The inspector of a model: its columns, trees, importances of features and evaluations, from YDF's files."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from penstock._src.bridge.decision_forests.enums import NamedNumber
from penstock._src.bridge.decision_forests.evaluations import (
    Evaluation,
    TrainLog,
    evaluation_of,
    evaluation_of_log,
)
from penstock._src.bridge.decision_forests.py_tree import objective as objectives
from penstock._src.bridge.decision_forests.py_tree.dataspec import (
    ColumnType,
    SimpleColumnSpec,
    categorical_column_dictionary_to_list,
    make_simple_column_spec,
)
from penstock._src.bridge.decision_forests.py_tree.node import (
    AbstractNode,
    LeafNode,
    NonLeafNode,
    core_node_to_node,
)
from penstock._src.bridge.decision_forests.py_tree.tree import Tree
from penstock._src.bridge.decision_forests.semantics import Task
from penstock._src.filesystems import files
from penstock._src.observe.summaries import scalar, text
from penstock._src.observe.writer import create_file_writer
from penstock._src.trees.readers import ydf_files

__all__ = [
    "AbstractInspector",
    "ColumnType",
    "Evaluation",
    "IterNodeResult",
    "Loss",
    "SimpleColumnSpec",
    "Task",
    "TrainLog",
    "detect_model_file_prefix",
    "make_inspector",
]

Importances = dict[str, list[tuple[SimpleColumnSpec, float]]]


class Loss(NamedNumber):
    """The loss of boosting."""

    DEFAULT = 0
    BINOMIAL_LOG_LIKELIHOOD = 1
    SQUARED_ERROR = 2
    MULTINOMIAL_LOG_LIKELIHOOD = 3
    LAMBDA_MART_NDCG5 = 4
    XE_NDCG_MART = 5
    BINARY_FOCAL_LOSS = 6
    POISSON = 7
    MEAN_AVERAGE_ERROR = 8
    LAMBDA_MART_NDCG = 9
    COX_PROPORTIONAL_HAZARD = 10


class IterNodeResult(NamedTuple):
    """A node, as `iterate_on_nodes` finds it.

    Args:
      node: the node, without those below it.
      depth: 0 of a root.
      tree_idx: the number of its tree.
    """

    node: AbstractNode
    depth: int
    tree_idx: int


def _write(evaluation: Evaluation | None, prefix: str, step: int) -> None:
    """Writes scalars for TensorBoard; each of several numbers under its index."""
    for name, value in (evaluation or Evaluation()).to_dict().items():
        numbers = {f"{name}/{i}": v for i, v in enumerate(value)} if isinstance(value, list) else {name: value}  # fmt: skip
        for each, number in numbers.items():
            scalar(prefix + each, number, step=step)


class AbstractInspector:
    """Looks into a model.

    Args:
      directory: with the model's files.
      file_prefix: what their names begin with.
      model: of ydf, if the files are its copy.
      folder: a temporary folder with the files, which lives as long as the inspector.
    """

    _head_of = ("", "")

    def __init__(
        self, directory: str, file_prefix: str, model: Any = None, folder: Any = None
    ) -> None:
        self._directory, self._prefix = directory, file_prefix
        self._model, self._folder = model, folder
        self._start = os.path.join(directory, file_prefix)
        self._header = ydf_files.read_message(self._start, "Model", ydf_files.HEADER)
        self._dataspec = ydf_files.read_message(self._start, "Specification", ydf_files.COLUMNS)
        self._head = ydf_files.read_message(self._start, *self._head_of)

    @property
    def directory(self) -> str:
        """The folder with the model's files."""
        return self._directory

    @property
    def file_prefix(self) -> str:
        """The begin of the files' names."""
        return self._prefix

    @property
    def model(self) -> Any:
        """ydf's model; None of an inspector of files."""
        return self._model

    @property
    def dataspec(self) -> Any:
        """The message with all columns."""
        return self._dataspec

    @property
    def header(self) -> Any:
        """The message about the whole model."""
        return self._header

    @property
    def metadata(self) -> Any:
        """The message about where the model comes from."""
        return self._header.metadata

    def specialized_header(self) -> Any:
        """Returns the message about trees."""
        return self._head

    @property
    def task(self) -> Task:
        """The model's `Task`."""
        return Task(self._header.task)

    def model_type(self) -> str:
        """Returns "RANDOM_FOREST" or "GRADIENT_BOOSTED_TREES"."""
        return self._header.name

    def num_trees(self) -> int:
        """Returns how many trees there are."""
        return self._head.num_trees

    def objective(
        self, extract_classification_label_info: bool = True
    ) -> objectives.AbstractObjective:
        """Returns what is predicted.

        Args:
          extract_classification_label_info: whether classes are named; else two are said.

        Raises:
          NotImplementedError: no objective stands for the task.
        """
        name, about = self.label().name, self._header
        columns = self._dataspec.columns
        if self.task is Task.CLASSIFICATION:
            classes = self.label_classes() if extract_classification_label_info else None
            count = columns[about.label_col_idx].categorical.number_of_unique_values - 1
            known = count if extract_classification_label_info else 2
            return objectives.ClassificationObjective(name, classes, known)
        if self.task is Task.REGRESSION:
            return objectives.RegressionObjective(name)
        if self.task is Task.RANKING:
            return objectives.RankingObjective(name, columns[about.ranking_group_col_idx].name)
        if self.task in _UPLIFT:
            return _UPLIFT[self.task](name, columns[about.uplift_treatment_col_idx].name)
        raise NotImplementedError(f"No objective stands for the task {self.task.name}.")

    def features(self) -> list[SimpleColumnSpec]:
        """Returns the columns that trees may test."""
        return [self._column(number) for number in self._header.input_features]

    def label(self) -> SimpleColumnSpec:
        """Returns the label's column."""
        return self._column(self._header.label_col_idx)

    def _column(self, number: int) -> SimpleColumnSpec:
        return make_simple_column_spec(self._dataspec, number)

    def label_classes(self) -> list[str] | None:
        """Returns the texts of classes, or None if there are none.

        Raises:
          ValueError: the label's column has no categories.
        """
        if self.task is not Task.CLASSIFICATION:
            return None
        column = self._dataspec.columns[self._header.label_col_idx]
        if column.type != ColumnType.CATEGORICAL:
            raise ValueError(f"The label has no categories: it is {ColumnType.Name(column.type)}.")
        if column.categorical.is_already_integerized:
            return None
        return categorical_column_dictionary_to_list(column)[1:]

    def variable_importances(self) -> Importances:
        """Returns (column, importance) of each kind of importance, the most important first."""
        by_kind = {
            kind: [
                (self._column(each.attribute_idx), each.importance)
                for each in importances.variable_importances
            ]  # fmt: skip
            for kind, importances in self._header.precomputed_variable_importances.items()
        }
        if self._model is not None:
            known = {each.name: each for each in self.features()}
            for kind, rows in self._model.variable_importances().items():
                by_kind.setdefault(kind, [(known[name], value) for value, name in rows])
        return by_kind if "NUM_AS_ROOT" in by_kind else by_kind | {"NUM_AS_ROOT": self._roots()}

    def _roots(self) -> list[tuple[SimpleColumnSpec, float]]:
        """(column, trees whose root tests it)"""
        counts: dict[SimpleColumnSpec, float] = {}
        for node, depth, _ in self.iterate_on_nodes():
            if depth == 0 and isinstance(node, NonLeafNode):
                for feature in node.condition.features():
                    counts[feature] = counts.get(feature, 0.0) + 1
        return sorted(counts.items(), key=lambda each: -each[1])

    def evaluation(self) -> Evaluation | None:
        """Returns the evaluation of fitting: on rows out of a tree's bag, or on rows for validation; None if there is none."""
        raise NotImplementedError

    def training_logs(self) -> list[TrainLog] | None:
        """Returns the evaluations while trees were added; None if there are none."""
        raise NotImplementedError

    def export_to_tensorboard(self, path: str) -> None:
        """Writes the evaluations for TensorBoard.

        Args:
          path: the folder.
        """
        writer = create_file_writer(path)
        with writer.as_default():
            text("model_type", self.model_type(), step=0)
            _write(self.evaluation(), "final/", 0)
            for log in self.training_logs() or []:
                _write(log.evaluation, "", log.num_trees)
        writer.close()

    def tuning_logs(self, return_format: str = "table") -> Any:
        """Returns what a tuner has tried: a row for each trial, its score, time, whether it is the best, and its hyperparameters; None if there was none.

        Args:
          return_format: "table": a data frame; "proto": the message.

        Raises:
          ValueError: there is no such format.
        """
        if return_format not in ("table", "proto"):
            raise ValueError(f"Expected 'table' or 'proto'. Received: {return_format!r}")
        if not self._header.HasField("hyperparameter_optimizer_logs"):
            return None
        logs = self._header.hyperparameter_optimizer_logs
        if return_format == "proto":
            return logs
        rows = [_trial(step, step.hyperparameters == logs.best_hyperparameters) for step in logs.steps]  # fmt: skip
        return importlib.import_module("pandas").DataFrame(rows)

    def iterate_on_nodes(self) -> Iterator[IterNodeResult]:
        """Yields all nodes of all trees: each, then its negative and then its positive side."""
        nodes = ydf_files.read_nodes(self._start, self._head.num_node_shards)
        depths, tree, leaf = [0], 0, 0
        for message in nodes:
            depth, node = depths.pop(), core_node_to_node(message, self._dataspec)
            if isinstance(node, LeafNode):
                node.leaf_idx = leaf
                leaf += 1
            else:
                depths += [depth + 1, depth + 1]
            yield IterNodeResult(node, depth, tree)
            if not depths:
                depths, tree, leaf = [0], tree + 1, 0

    def extract_tree(self, tree_idx: int) -> Tree:
        """Returns a tree.

        Args:
          tree_idx: its number.

        Raises:
          IndexError: there is no such tree.
        """
        nodes, classes = self._whole(), self.label_classes()
        for number, root in enumerate(nodes):
            if number == tree_idx:
                return Tree(root, classes)
        raise IndexError(f"There are {self.num_trees()} trees. Received: tree_idx={tree_idx}")

    def extract_all_trees(self) -> list[Tree]:
        """Returns all trees."""
        classes = self.label_classes()
        return [Tree(root, classes) for root in self._whole()]

    def _whole(self) -> Iterator[AbstractNode]:
        """The root of each tree, with all nodes below it."""
        path: list[NonLeafNode] = []
        root: AbstractNode | None = None
        for node, _, _ in self.iterate_on_nodes():
            if not path:
                root = node
            elif path[-1].neg_child is None:
                path[-1].neg_child = node
            else:
                path.pop().pos_child = node
            if isinstance(node, NonLeafNode):
                path.append(node)
            elif not path:
                assert root is not None  # it was the first node
                yield root


_UPLIFT: dict[Task, Any] = {
    Task.CATEGORICAL_UPLIFT: objectives.CategoricalUpliftObjective,
    Task.NUMERICAL_UPLIFT: objectives.NumericalUpliftObjective,
}


def _trial(step: Any, best: bool) -> dict[str, Any]:
    row = {"score": step.score, "evaluation_time": step.evaluation_time, "best": best}
    for field in step.hyperparameters.fields:
        kinds = ("real", "integer", "categorical", "categorical_list")
        kind = next(kind for kind in kinds if field.value.HasField(kind))
        value = getattr(field.value, kind)
        row[field.name] = list(value.values) if kind == "categorical_list" else value
    return row


class _ForestInspector(AbstractInspector):
    """Looks into a random forest."""

    _head_of = ("Forest", ydf_files.FOREST)

    def winner_take_all_inference(self) -> bool:
        """Returns True if each tree votes for one class, False if it adds probabilities."""
        head = self._head
        return head.winner_take_all_inference or not head.HasField("winner_take_all_inference")

    def evaluation(self) -> Evaluation | None:
        """Returns the evaluation on rows out of trees' bags; None if there is none."""
        logs = self.training_logs()
        return logs[-1].evaluation if logs else None

    def training_logs(self) -> list[TrainLog] | None:
        """Returns the evaluations while trees were added; None if there are none."""
        logs = self._head.out_of_bag_evaluations
        return [
            TrainLog(log.number_of_trees, evaluation_of(log.evaluation)) for log in logs
        ] or None


class _BoostedInspector(AbstractInspector):
    """Looks into boosted trees."""

    _head_of = ("Boosted", ydf_files.BOOSTED)

    @property
    def bias(self) -> float | list[float]:
        """The first value of a sum; a list if there are several."""
        initial_values = list(self._head.initial_predictions)
        return initial_values[0] if len(initial_values) == 1 else initial_values

    @property
    def num_trees_per_iter(self) -> int:
        """The number of sums; each step adds a tree to each."""
        return max(1, self._head.num_trees_per_iter)

    @property
    def loss(self) -> Loss:
        """The loss."""
        return Loss(self._head.loss)

    def evaluation(self) -> Evaluation | None:
        """Returns the evaluation on rows for validation; None if there is none of the final model."""
        if not self._head.HasField("training_logs"):
            return Evaluation(loss=self._head.validation_loss)
        final = self._head.training_logs.number_of_trees_in_final_model
        logs = self.training_logs() or []
        return next((log.evaluation for log in logs if log.num_trees == final), None)

    def training_logs(self) -> list[TrainLog] | None:
        """Returns the evaluations while trees were added; None if there are none."""
        if not self._head.HasField("training_logs"):
            return None
        logs = self._head.training_logs
        return [
            TrainLog(entry.number_of_trees, evaluation_of_log(logs, place))
            for place, entry in enumerate(logs.entries)
        ]


_INSPECTORS = {"RANDOM_FOREST": _ForestInspector, "GRADIENT_BOOSTED_TREES": _BoostedInspector}


def detect_model_file_prefix(model_path: str) -> str:
    """Returns what the names of a model's files begin with.

    Args:
      model_path: the folder.

    Raises:
      ValueError: the folder has no model, or several.
    """
    names = [name for name in files.names(model_path) if name.endswith(ydf_files.DONE)]
    prefixes = [
        name.removesuffix(ydf_files.DONE)
        for name in names
        if not files.is_folder(os.path.join(model_path, name))
    ]
    if not prefixes:
        raise ValueError(f"{model_path}: there is no model: a file {ydf_files.DONE!r} is missing.")
    if len(prefixes) > 1:
        known = ", ".join(map(repr, sorted(prefixes)))
        raise ValueError(f"{model_path}: there are several models. Pass one's file_prefix: {known}")
    return prefixes[0]


def make_inspector(directory: str, file_prefix: str | None = None) -> Any:
    """Returns what looks into a model in a folder of YDF.

    Args:
      directory: the folder.
      file_prefix: what the names of its files begin with; by default it is looked for.

    Raises:
      ValueError: the folder has no model, several, or one of an unknown kind.
    """
    directory = files.text_of(directory)
    prefix = detect_model_file_prefix(directory) if file_prefix is None else file_prefix
    return _inspector(directory, prefix)


def inspector_of(model: Any) -> Any:
    """Returns what looks into a model of ydf.

    Args:
      model: the model.
    """
    folder = tempfile.TemporaryDirectory()
    path = os.path.join(folder.name, "model")
    model.save(path)
    return _inspector(path, detect_model_file_prefix(path), model, folder)


def _inspector(directory: str, prefix: str, *others: Any) -> AbstractInspector:
    start = os.path.join(directory, prefix)
    name = ydf_files.read_message(start, "Model", ydf_files.HEADER).name
    if name not in _INSPECTORS:
        raise ValueError(f"{directory}: models {name!r} are not looked into. Only {', '.join(_INSPECTORS)} are.")  # fmt: skip
    return _INSPECTORS[name](directory, prefix, *others)
