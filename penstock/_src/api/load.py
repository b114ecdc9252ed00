"""Imported before the first public name is handed out: eager execution, operators, variables."""

import penstock._src.core.data_structures  # noqa: F401
import penstock._src.eager.execute  # noqa: F401
import penstock._src.eager.tensor  # noqa: F401
import penstock._src.graph.exporter  # noqa: F401
import penstock._src.graph.graph  # noqa: F401
import penstock._src.graph.rewriting  # noqa: F401

from . import operators, variables  # noqa: F401
from .ragged import overrides  # noqa: F401
from .sparse import overrides as sparse_overrides  # noqa: F401
