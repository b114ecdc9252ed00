"""Scopes of named variables, and the store that has them."""

from penstock._src.v1.variables.partitioned import PartitionInfo as _PartitionInfo
from penstock._src.v1.variables.store import EagerVariableStore
from penstock._src.v1.variables.store import VariableStore as _VariableStore
from penstock._src.v1.variables.store import current_store as _get_default_variable_store
from penstock._src.v1.variables.store import using_store as with_variable_store
