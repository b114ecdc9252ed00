"""`tensorflow.python.training.saver`: adds a Saver's operations to a graph."""

from typing import Any

from penstock._src.saving.metrics import SAVER, size_of
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.saving.builder import BulkSaverBuilder
from penstock._src.v1.saving.builder import SaverBuilder as BaseSaverBuilder
from penstock._src.v1.saving.saver import Saver
from penstock._src.v1.variables.collections import GraphKeys

__all__ = ["BaseSaverBuilder", "BulkSaverBuilder"]

_SAVER_LABEL = SAVER
_get_checkpoint_size = size_of


def _get_saver_or_default() -> Any:
    """Returns the only saver of the graph; one is made and kept by the graph if there is none.

    Raises:
      RuntimeError: there are several.
    """
    graph = get_default_graph()
    savers = graph.get_collection(GraphKeys.SAVERS)
    if len(savers) > 1:
        raise RuntimeError("Found more than one Saver. Which to use is not known: " + str(savers))
    if savers:
        return savers[0]
    saver = Saver(sharded=True, allow_empty=True)
    graph.add_to_collection(GraphKeys.SAVERS, saver)
    return saver
