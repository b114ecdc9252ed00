"""Behavior of `MultiWorkerMirroredStrategy` that differs in an elastic job."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from penstock._src.cluster.description import ALONE, Cluster
from penstock._src.cluster.elastic.member import Member
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.mirrored.strategy import mirrored_variable
from penstock._src.distribute.values import ReduceOp
from penstock._src.distribute.workers.communication import CommunicationOptions
from penstock._src.distribute.workers.elastic.feeds import ElasticDataset
from penstock._src.distribute.workers.elastic.steps import Step, Steps
from penstock._src.distribute.workers.extended import (
    CollectiveAllReduceExtended,
    WorkerReplicaContext,
)
from penstock._src.distribute.workers.parts.options import ShardingOptions


class ElasticExtended(CollectiveAllReduceExtended):
    """The hooks of the strategy in an elastic job.

    Args:
      container_strategy: the strategy.
      member: this process's side of the membership.
      options: how workers communicate.
      sharding: must have stage 0.

    Attributes:
      steps: those of this process.

    Raises:
      UnimplementedError: state is to be divided among the workers, or the process has another such strategy.
    """

    reads_assigned_sums = False

    def __init__(
        self,
        container_strategy: Any,
        member: Member,
        options: CommunicationOptions,
        sharding: ShardingOptions,
    ) -> None:
        if sharding.stage:
            raise UnimplementedError(
                None,
                None,
                f"ShardingOptions: stage={sharding.stage} is not implemented in elastic jobs.",
            )
        if member.is_taken:
            raise UnimplementedError(
                None,
                None,
                "MultiWorkerMirroredStrategy: a second one in a process of an elastic job is not implemented. Make one, and use it for all.",
            )
        member.is_taken = True
        super().__init__(container_strategy, None, options, sharding)
        self._cluster = ALONE
        self._is_chief = member.is_first and not member.is_late  # until the first generation
        self._made: list[weakref.ref[Any]] = []
        self.steps = Steps(self, member)

    def enter(self, cluster: Cluster) -> None:
        """Notes this process's place in a new generation."""
        self._cluster, self._is_chief = cluster, cluster.is_chief
        self._strategy.default_replica = WorkerReplicaContext(self._strategy, cluster.rank)

    def variables(self) -> list[Any]:
        """Returns the strategy's variables, in the order in which they were made."""
        return [variable for reference in self._made if (variable := reference()) is not None]

    def _in_multi_worker_mode(self) -> bool:
        return True

    def _create_variable(self, next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        variable = mirrored_variable(self._strategy, next_creator, kwargs, 1)
        self._made.append(weakref.ref(variable))
        return variable

    def _batch_reduce_to(
        self, reduce_op: ReduceOp, value_destination_pairs: Any, options: Any
    ) -> list[Any]:
        """Reduces within a step; eagerly between steps, the reduction is one, which newcomers on their way to the others leave out."""
        reduce = functools.partial(
            super()._batch_reduce_to, reduce_op, value_destination_pairs, options
        )
        if self.steps.is_inside or not executing_eagerly():
            return reduce()
        if self.steps.is_apart:
            return [value for value, _ in value_destination_pairs]
        return self.steps.run(Step("reduction", reduce))  # type: ignore[no-any-return]

    def _experimental_distribute_dataset(self, dataset: Any, options: Any) -> Any:
        return ElasticDataset(dataset)

    def _distribute_datasets_from_function(self, dataset_fn: Any, options: Any) -> Any:
        raise UnimplementedError(
            None,
            None,
            "distribute_datasets_from_function is not implemented in elastic jobs, whose workers divide the batches of one dataset "
            "(experimental_distribute_dataset).",
        )
