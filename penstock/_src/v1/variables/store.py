"""The store of a graph's variables by name."""

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.api.variables import SaveSliceInfo
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.eager.context import outermost_graph
from penstock._src.util.export import V1, Export
from penstock._src.v1.graphs.default_graph import get_default_graph, global_graph
from penstock._src.v1.variables.collections import GraphKeys, VariableV1, add_to_collection
from penstock._src.v1.variables.initializers import GlorotUniform, Zeros
from penstock._src.v1.variables.partitioned import PartitionedVariable, PartitionInfo, cut


class _AutoReuse:
    """The value of `reuse` that creates a variable if none has its name."""

    def __repr__(self) -> str:
        return "<_ReuseMode.AUTO_REUSE: 1>"


AUTO_REUSE = _AutoReuse()
V1["AUTO_REUSE"] = Export(__name__, "AUTO_REUSE")


class VariableStore:
    """The variables of `get_variable` by name.

    Args:
      store_eager_variables: whether variables are stored; eager ones are not, except for templates.
    """

    def __init__(self, store_eager_variables: bool = True) -> None:
        self._store_eager_variables = store_eager_variables
        self.variables: dict[str, VariableV1] = {}
        self._vars = self.variables  # TensorFlow's name of it
        self.partitioned: dict[str, PartitionedVariable] = {}
        # Number of times each variable scope was opened.
        self.scope_counts: dict[str, int] = {}

    def get_variable(
        self,
        name: str,
        shape: Any = None,
        custom_getter: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Any:
        """Returns the variable of this name, from `custom_getter` if it is given."""
        options["shape"] = shape
        if custom_getter is None:
            return self._get(name, **options)
        if not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        return custom_getter(getter=self._get, name=name, **options)

    def _get(
        self,
        name: str,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        initializer: Any = None,
        regularizer: Any = None,
        reuse: Any = None,
        trainable: bool | None = None,
        partitioner: Callable[..., Sequence[int]] | None = None,
        **options: Any,
    ) -> Any:
        known_shape = None if shape is None else as_shape(shape)
        options["trainable"] = trainable
        is_whole = partitioner is None or (known_shape is not None and known_shape.rank == 0)
        known = reuse is True and partitioner is None and name in self.partitioned
        if is_whole and not known:
            return self._one(name, known_shape, dtype, initializer, regularizer, reuse, **options)
        if partitioner is not None and not callable(partitioner):
            raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
        return self._parted(
            name, known_shape, dtype, initializer, regularizer, reuse, partitioner, options
        )

    def _one(
        self,
        name: str,
        shape: TensorShape | None,
        dtype: Any,
        initializer: Any,
        regularizer: Any,
        reuse: Any,
        partition: PartitionInfo | None = None,
        **options: Any,
    ) -> VariableV1:
        """Returns one whole variable, or one partition."""
        dtype = dtypes.as_dtype(dtype).base_dtype
        existing = self.variables.get(name)
        if existing is not None:
            return _checked(existing, name, shape, dtype, reuse)
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you mean "
                "to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        value, kind = _initial_value(name, shape, dtype, initializer, partition)
        with bare_names():
            variable = VariableV1(value, name=name, dtype=kind, **options)
        if self._store_eager_variables:
            self.variables[name] = variable
            if STATE.graph is None:
                _add_eager(variable, options.get("collections"))
        if regularizer is not None:
            _add_penalty(regularizer, variable, name)
        return variable

    def _parted(
        self, name: str, shape: TensorShape | None, dtype: Any, initializer: Any, regularizer: Any,
        reuse: Any, partitioner: Any, options: dict[str, Any],
    ) -> PartitionedVariable:  # fmt: skip
        """Returns a variable partitioned along one axis by `partitioner`."""
        if initializer is not None and not callable(initializer):
            initializer = convert_to_tensor(initializer)
            shape, dtype = initializer.shape, initializer.dtype
        if name in self.partitioned and partitioner is None:
            return _checked_parts(self.partitioned[name], name, shape, dtype, None, reuse)
        if shape is None or not shape.is_fully_defined():
            raise ValueError(
                f"Shape of a new partitioned variable ({name}) must be fully defined, but instead was "
                f"{shape}."
            )
        kind = dtypes.as_dtype(dtype).base_dtype
        counts = _partitions(partitioner, shape, kind)
        if name in self.partitioned:
            return _checked_parts(self.partitioned[name], name, shape, kind, counts, reuse)
        if f"{name}/part_0" not in self.variables and name in self.variables:
            raise ValueError(
                "A partitioner was provided, but an unpartitioned version of the variable was found: "
                f"{name}.  Perhaps a variable of the same name was already created without partitioning?"
            )
        if reuse is True:
            raise ValueError(
                f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?"
            )
        parts = []
        for index, (offset, extent) in enumerate(cut(shape.as_list(), counts)):
            value = initializer
            if isinstance(initializer, Tensor):
                value = raw.Slice(input=initializer, begin=offset, size=extent)
            part = self._one(
                f"{name}/part_{index}",
                None if isinstance(initializer, Tensor) else as_shape(extent),
                kind,
                value,
                regularizer,
                reuse,
                partition=PartitionInfo(shape.as_list(), offset),
                **options,
            )
            part._set_save_slice_info(SaveSliceInfo(name, shape.as_list(), offset, extent))
            parts.append(part)
        variable = PartitionedVariable(name, shape, kind, parts, counts)
        if self._store_eager_variables:
            self.partitioned[name] = variable
        return variable


def _add_eager(variable: VariableV1, collections: Any) -> None:
    """Adds an eager variable to the collections of the default graph, as a graph adds its own."""
    names = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
    if variable.trainable:
        names.append(GraphKeys.TRAINABLE_VARIABLES)
    get_default_graph().add_to_collections(names, variable)


class EagerVariableStore:
    """Variables of `get_variable` by name in eager execution.

    Args:
      store: the variables so far.
    """

    def __init__(self, store: VariableStore | None = None) -> None:
        self._store = store or VariableStore()

    def as_default(self) -> Any:
        """A context in which `get_variable` finds and stores variables here."""
        return using_store(self._store)

    def variables(self) -> list[Any]:
        """Returns the variables, by name."""
        return [variable for _, variable in sorted(self._store.variables.items())]

    def trainable_variables(self) -> list[Any]:
        """Returns the trainable variables, by name."""
        return [variable for variable in self.variables() if variable.trainable]

    def non_trainable_variables(self) -> list[Any]:
        """Returns the other variables, by name."""
        return [variable for variable in self.variables() if not variable.trainable]

    def copy(self) -> "EagerVariableStore":
        """Returns a store with variables of the same names and values."""
        copied = EagerVariableStore()
        for name, variable in self._store.variables.items():
            copied._store.variables[name] = VariableV1(
                variable.read_value(), trainable=variable.trainable, name=name, dtype=variable.dtype
            )
        return copied


class _Active(threading.local):
    store: VariableStore | None = None


_ACTIVE = _Active()


@contextlib.contextmanager
def using_store(store: VariableStore) -> Iterator[None]:
    """Makes `get_variable` find and store variables in `store`, also eagerly."""
    before, _ACTIVE.store = _ACTIVE.store, store
    try:
        yield
    finally:
        _ACTIVE.store = before


def current_store() -> VariableStore:
    """The current store, which is that of the graph; the eager store does not keep variables."""
    if _ACTIVE.store is not None:
        return _ACTIVE.store
    return VariableStore(False) if STATE.graph is None else _store_of_graph()


def chosen_store() -> VariableStore | None:
    """The store of the innermost `using_store`, or None."""
    return _ACTIVE.store


def scope_counts() -> dict[str, int]:
    """Return how often each variable scope of the current graph was opened, in any store."""
    return _store_of_graph().scope_counts


def _store_of_graph() -> VariableStore:
    graph = _owner()
    if graph.variable_store is None:
        graph.variable_store = VariableStore()
    store: VariableStore = graph.variable_store
    return store


def give_store(graph: Any) -> None:
    """Attach a separate variable store to a function's graph."""
    graph.variable_store = VariableStore()


def _owner() -> Any:
    """The innermost enclosing graph that has a store, else the outermost graph, which functions share."""
    graph = get_default_graph()
    while graph.variable_store is None and graph.building_function:
        if graph.enclosing is None:
            return global_graph()
        graph = graph.enclosing
    return graph


@contextlib.contextmanager
def bare_names() -> Iterator[None]:
    """A context in which names are used without the prefix of the current scope."""
    before, STATE.eager_name_scope = STATE.eager_name_scope, ""
    try:
        with contextlib.ExitStack() as stack:
            for graph in filter(None, {STATE.graph, outermost_graph()}):
                stack.enter_context(graph.name_scope(None))
            yield
    finally:
        STATE.eager_name_scope = before


def _checked(
    variable: VariableV1, name: str, shape: TensorShape | None, dtype: Any, reuse: Any
) -> VariableV1:
    """Returns the found variable after checking that it may be reused and has the requested shape and dtype."""
    if reuse is False:
        raise ValueError(
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or "
            "reuse=tf.AUTO_REUSE in VarScope?"
        )
    if shape is not None and not shape.is_compatible_with(variable.shape):
        raise ValueError(
            f"Trying to share variable {name}, but specified shape {shape} and found shape {variable.shape}."
        )
    if not dtype.is_compatible_with(variable.dtype):
        raise ValueError(
            f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype "
            f"{variable.dtype.name}."
        )
    return variable


def _checked_parts(
    variable: PartitionedVariable, name: str, shape: Any, dtype: Any, counts: Any, reuse: Any
) -> PartitionedVariable:
    if reuse is False:
        raise ValueError(
            f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True or "
            "reuse=tf.AUTO_REUSE in VarScope?"
        )
    what = f"Trying to reuse partitioned variable {name}, but specified"
    if shape is not None and not shape.is_compatible_with(variable.shape):
        raise ValueError(f"{what} shape {shape} and found shape {variable.shape}.")
    kind = dtypes.as_dtype(dtype)
    if not kind.is_compatible_with(variable.dtype):
        raise ValueError(f"{what} dtype {kind.name} and found dtype {variable.dtype.name}.")
    if counts is not None and list(counts) != variable.partitions_by_axis:
        raise ValueError(
            f"{what} partitions {list(counts)} and found partitions {variable.partitions_by_axis}."
        )
    return variable


def _partitions(partitioner: Any, shape: TensorShape, dtype: Any) -> list[int]:
    """The number of partitions along each axis."""
    counts = partitioner(shape=shape, dtype=dtype)
    if not isinstance(counts, Sequence):
        raise ValueError(f"Partitioner must return a sequence, but saw: {counts}")
    if len(counts) != shape.rank:
        raise ValueError(
            f"Partitioner returned a partition list that does not match the Variable's rank: {counts} "
            f"vs. {shape}"
        )
    if any(count < 1 for count in counts):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {counts}")
    return list(counts)


def _initial_value(
    name: str, shape: TensorShape | None, dtype: Any, initializer: Any, partition: Any
) -> tuple[Any, Any]:
    """Returns (the value or the function that creates it, the dtype or None for the value's dtype)."""
    if initializer is None:
        if shape is None:
            raise ValueError(
                f"Variable {name} did not get an initializer, so its `shape` argument must be specified."
            )
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool or dtype == dtypes.string):
            raise ValueError(f"An initializer for variable {name} of {dtype} is required")
        initializer = GlorotUniform() if dtype.is_floating else Zeros()
    if not callable(initializer):
        if shape is not None and shape.is_fully_defined():
            raise ValueError("If initializer is a constant, do not specify shape.")
        return initializer, None
    if isinstance(initializer, type):
        initializer = initializer()
    parameters = _parameters(initializer)
    if shape is not None and shape.is_fully_defined():
        options = {"partition_info": partition} if "partition_info" in parameters else {}

        def fitting() -> Any:
            value = initializer(shape.as_list(), dtype=dtype, **options)
            return _fitting(convert_to_tensor(value, dtype=dtype), shape)

        return fitting, dtype
    if any(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters.values()):
        raise ValueError(
            "The initializer passed is not valid. It should be a callable with no arguments and the "
            "shape should not be provided or an instance of `tf.keras.initializers.*' and `shape` "
            "should be fully defined."
        )
    return initializer, dtype


def _fitting(value: Tensor, shape: TensorShape) -> Tensor:
    """Returns an initial value.

    Raises:
      ValueError: it has another shape than the variable.
    """
    if not shape.is_compatible_with(value.shape):
        raise ValueError(
            f"In this `tf.Variable` creation, the initial value's shape ({value.shape}) is not compatible with the "
            f"explicitly supplied `shape` argument ({shape})."
        )
    return value


def _parameters(function: Callable[..., Any]) -> Any:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return {}


def _add_penalty(regularizer: Callable[[Any], Any], variable: VariableV1, name: str) -> None:
    """Adds the penalty of a new variable to the graph's losses, unless it is None."""
    penalty = regularizer(variable)
    if penalty is not None and STATE.graph is not None:
        # TensorFlow computes it twice, which numbers the names of later operations.
        with get_default_graph().name_scope(f"{name}/Regularizer/"):
            penalty = regularizer(variable)
    if penalty is not None:
        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, penalty)
