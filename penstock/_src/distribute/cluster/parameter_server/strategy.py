"""ParameterServerStrategy: variables on parameter servers, functions on workers."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.values.resources import made_by
from penstock._src.distribute.cluster.parameter_server.sharded import ShardedVariable, row_counts
from penstock._src.distribute.cluster.tasks.handles import Maker
from penstock._src.distribute.cluster.tasks.task import (
    Task,
    Tasks,
    addresses_of,
    connect_all,
    task_name,
)
from penstock._src.distribute.extended import StrategyExtended
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.distribute.strategy import Strategy
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


class ParameterServerExtended(StrategyExtended):
    """The hooks of `ParameterServerStrategy`.

    Args:
      container_strategy: the strategy.
      cluster: its tasks.
      partitioner: from the shape and dtype of a variable to its number of shards along each axis; or None.
    """

    def __init__(self, container_strategy: Any, cluster: ClusterSpec, partitioner: Any) -> None:
        super().__init__(container_strategy)
        tasks = Tasks(addresses_of(cluster))
        self.worker_tasks = [tasks[task_name("worker", i)] for i in cluster.task_indices("worker")]
        self.server_tasks = [tasks[task_name("ps", i)] for i in cluster.task_indices("ps")]
        self._num_workers, self._num_ps = len(self.worker_tasks), len(self.server_tasks)
        self._partitioner = partitioner
        self._turn = itertools.cycle(self.server_tasks)
        connect_all([*self.server_tasks, *self.worker_tasks], "ParameterServerStrategy")

    @property
    def _num_replicas_in_sync(self) -> int:
        return 1

    def _in_multi_worker_mode(self) -> bool:
        return True

    # -- variables

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        beside = kwargs.pop("colocate_with", None)
        if beside is not None:
            return self._one_variable(next_creator, beside.handle._value.task, kwargs)
        if self._partitioner is None or (STATE.graph is not None and STATE.graph.building_function):
            return self._one_variable(next_creator, next(self._turn), kwargs)
        shape, dtype, value_of = _described(kwargs)
        if shape.rank == 0:
            kwargs["initial_value"] = value_of(0, None)
            return self._one_variable(next_creator, next(self._turn), kwargs)
        shards = _count_of_shards(self._partitioner, shape, dtype)
        if shards == 1:
            kwargs["initial_value"] = functools.partial(value_of, 0, None)
            return self._one_variable(next_creator, next(self._turn), kwargs)
        return self._sharded(next_creator, kwargs, shape, shards, value_of)

    def _one_variable(self, next_creator: Callable[..., Any], task: Task, kwargs: Any) -> Any:
        with made_by(Maker(task)):
            variable = next_creator(**kwargs)
        variable._distribute_strategy = self._strategy
        return variable

    def _sharded(
        self, next_creator: Callable[..., Any], kwargs: Any, shape: TensorShape, shards: int,
        value_of: Callable[[int, int | None], Any],
    ) -> ShardedVariable:  # fmt: skip
        parts, first = [], 0
        name = kwargs.get("name")
        for at, rows in enumerate(row_counts(int(shape[0]), shards)):
            options = {
                **kwargs,
                "initial_value": functools.partial(value_of, first, rows),
                "shape": [rows, *shape[1:].as_list()],
                "name": name and f"{name}/part_{at}",
            }
            parts.append(self._one_variable(next_creator, next(self._turn), options))
            first += rows
        variable = ShardedVariable(parts, name or "ShardedVariable")
        variable._distribute_strategy = self._strategy
        return variable


def _described(kwargs: dict[str, Any]) -> tuple[TensorShape, Any, Callable[[int, int | None], Any]]:
    """The shape and dtype of a variable, and a function that gives the initial value of some of its rows.

    A function that makes initial values is asked for those of a shard alone (`partition_shape`, `partition_offset`) if shape and dtype are
    given with it, as tf.keras' initializers within functools.partial can tell.
    """
    initial, dtype = kwargs.get("initial_value"), kwargs.get("dtype")
    shape = kwargs.get("shape")
    if callable(initial) and shape is not None and dtype is not None:
        known = as_shape(shape)
        return known, as_dtype(dtype), functools.partial(_of_function, initial, known, dtype)
    with building(None):
        value = convert_to_tensor(initial() if callable(initial) else initial, dtype)

    def rows_of(first: int, rows: int | None) -> Any:
        return value if rows is None else value[first : first + rows]

    return value.shape, value.dtype, rows_of


def _of_function(
    initializer: Callable[..., Any], shape: TensorShape, dtype: Any, first: int, rows: int | None
) -> Any:
    """The initial value of some rows."""
    if rows is None:
        return initializer()
    part = [rows, *shape[1:].as_list()]
    offset = [first, *[0] * (len(part) - 1)]
    try:
        value = initializer(partition_shape=part, partition_offset=offset)
    except (TypeError, ValueError):  # it makes whole values only
        value = initializer()
    value = convert_to_tensor(value, dtype)
    return value if value.shape.as_list() == part else value[first : first + rows]


def _count_of_shards(partitioner: Any, shape: TensorShape, dtype: Any) -> int:
    counts = list(partitioner(shape=shape, dtype=dtype))
    if len(counts) != shape.rank or any(count != 1 for count in counts[1:]):
        raise ValueError(
            "variable_partitioner must return a number of shards for each axis, which is 1 for all but the first. Received "
            f"{counts} for the shape {shape}."
        )
    return int(min(counts[0], max(1, int(shape[0]))))


@export(
    "distribute.ParameterServerStrategy", "distribute.experimental.ParameterServerStrategy", v1=[]
)
class ParameterServerStrategy(Strategy):
    """Asynchronous training: variables on parameter servers, steps on workers, which are processes with a `tf.distribute.Server` each.

    Variables made within `scope()` are put on the servers in turn. Ops on them run where they are; tables larger than the memory of a worker
    are divided among servers by a partitioner, and rows are read and changed there. Keras' `fit` cannot be used: Keras 3 has no support of this
    strategy. Steps are written as `tf.function`s that a `ClusterCoordinator` schedules.

    Args:
      cluster_resolver: describes the cluster: jobs "worker" and "ps", and "chief" for the coordinator itself.
      variable_partitioner: of `tf.distribute.experimental.partitioners`, or a function of `shape` and `dtype`; None: variables are not divided.

    Raises:
      ValueError: the cluster has no worker or no server.
      DeadlineExceededError: a task does not answer within ten minutes.

    >>> resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(tf.train.ClusterSpec({"worker": ["host:1"]}))
    >>> try:
    ...     tf.distribute.ParameterServerStrategy(resolver)
    ... except ValueError as error:
    ...     print(error)
    ParameterServerStrategy: the cluster needs tasks of the job 'ps'. Received {'worker': ['host:1']}.
    """

    _should_use_with_coordinator = True
    _cluster_coordinator: Any = None

    def __init__(self, cluster_resolver: Any, variable_partitioner: Any = None) -> None:
        if cluster_resolver is None:
            raise ValueError("`cluster_resolver` cannot be None.")
        cluster = ClusterSpec(cluster_resolver.cluster_spec())
        for job in ("worker", "ps"):
            if job not in cluster.jobs or not cluster.num_tasks(job):
                raise ValueError(
                    f"ParameterServerStrategy: the cluster needs tasks of the job {job!r}. Received {cluster.as_dict()}."
                )
        self._resolver = cluster_resolver
        super().__init__(ParameterServerExtended(self, cluster, variable_partitioner))

    cluster_resolver = read_only("_resolver", "Resolver of the cluster's tasks.")
