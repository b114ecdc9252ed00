"""Datasets as serialized graphs, and back."""

import logging

from penstock._src.core.calls.facts import Permissions
from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.pipeline import Pipeline, external_state, scalar
from penstock._src.util.slots import above

logger = logging.getLogger("penstock")
_WARN, _FAIL = 0, 2


def _serialized(dataset: Pipeline, policy: int) -> bytes:
    """The GraphDef of a dataset, after treating state outside of it as the policy says."""
    stateful = None if policy not in (_WARN, _FAIL) else external_state(dataset)
    if stateful is not None and policy == _FAIL:
        raise FailedPreconditionError(
            f"Failed to serialize the input pipeline graph: {stateful} is stateful."
        )
    if stateful is not None:
        logger.warning("The state of %s is not part of the dataset's graph.", stateful)
    return above("dataset_graph")(dataset)


class DatasetToGraph(Op):
    """The serialized GraphDef of a dataset."""

    signature = "input_dataset: variant -> graph: string[]"
    stateful_whitelist: list[str] = []
    allow_stateful: bool = False
    strip_device_assignment: bool = False

    def eager(self, input_dataset):
        return _serialized(input_dataset, _WARN if self.allow_stateful else _FAIL)


class DatasetToGraphV2(Op):
    """The serialized GraphDef of a dataset."""

    signature = "input_dataset: variant -> graph: string[]"
    external_state_policy: int = _WARN
    strip_device_assignment: bool = False

    def eager(self, input_dataset):
        return _serialized(input_dataset, self.external_state_policy)


class DatasetFromGraph(Op):
    """The dataset of a serialized GraphDef."""

    signature = "graph_def: string -> handle: variant"
    permissions = Permissions(makes_graphs=True)

    def shape(self, graph_def):
        return TensorShape([])

    def eager(self, graph_def):
        return above("dataset_of_graph")(scalar(graph_def), self.consent)
