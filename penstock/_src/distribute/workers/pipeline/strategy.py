"""PipelineStrategy: a model's stages in the processes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.cluster.messages import Messages
from penstock._src.cluster.transport import Transport
from penstock._src.cluster.transports.table import connect
from penstock._src.distribute.extended import StrategyExtended
from penstock._src.distribute.strategy import Strategy
from penstock._src.distribute.workers.arguments import instance_or, whole_number
from penstock._src.distribute.workers.communication import CommunicationOptions
from penstock._src.distribute.workers.pipeline.callables import Pipeline
from penstock._src.distribute.workers.pipeline.grid import Grid
from penstock._src.distribute.workers.pipeline.schedules import SCHEDULES
from penstock._src.distribute.workers.pipeline.steps import Steps
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

BALANCES = ("flops", "parameters")
NAME = "PipelineStrategy"


class PipelineExtended(StrategyExtended):
    """The hooks of `PipelineStrategy`: variables and datasets are those of one process."""

    def __init__(self, container_strategy: Any, grid: Grid) -> None:
        super().__init__(container_strategy)
        self._grid = grid

    @property
    def _num_replicas_in_sync(self) -> int:
        return self._grid.replicas

    should_checkpoint = property(
        lambda self: self._grid.rank == 0, doc="True if this process writes checkpoints."
    )
    should_save_summary = property(
        lambda self: self._grid.rank == 0, doc="True if this process writes summaries."
    )


@export("distribute.experimental.PipelineStrategy", v1=[])
class PipelineStrategy(Strategy):
    """Trains a model with its layers divided over processes: each computes one stage, and micro-batches pass through all of them.

    A global batch is cut into micro-batches. Activations go from each stage to the following one, gradients come back, and every stage
    changes its variables by the sum over all micro-batches: what one process computes for the global batch, but for rounding, and for what
    depends on a batch's rows together (batch normalization takes the statistics of each micro-batch). TensorFlow has no such strategy.

    Keras's Sequential and Functional models that are made in the scope are cut into stages by `fit`, `evaluate` and `predict`, which all
    processes call; the batches are those of rank 0. Other models are given as functions: see `pipeline`.

    Args:
      micro_batches: into how many parts each replica's rows of a batch are cut.
      cuts: names of layers of Keras models, one fewer than stages: a stage ends with each. By default the stages are balanced.
      balance: "flops" or "parameters": of what stages get equal shares.
      schedule: "1F1B", in which a stage holds activations of at most as many micro-batches as there are stages, or "GPipe", in which it
        holds those of all.
      replicas: how many copies of the pipeline train on shares of the batch. There are processes / replicas stages, and neighboring ranks
        are the stages of one replica.
      communication_options: a `tf.distribute.experimental.CommunicationOptions`; its timeout is used.

    Raises:
      TypeError: an argument is of another type.
      ValueError: an argument is not one of those above, or the processes cannot be divided by `replicas`.

    >>> strategy = tf.distribute.experimental.PipelineStrategy(micro_batches=4)
    >>> strategy.num_stages, strategy.stage
    (1, 0)
    """

    def __init__(
        self,
        micro_batches: int = 4,
        cuts: Sequence[str] | None = None,
        balance: str = "flops",
        schedule: str = "1F1B",
        replicas: int = 1,
        communication_options: CommunicationOptions | None = None,
    ) -> None:
        transport = connect()
        size = 1 if transport is None else transport.cluster.size
        options = instance_or(
            NAME,
            "communication_options",
            communication_options,
            CommunicationOptions,
            CommunicationOptions(),
        )
        micro_batches = whole_number(NAME, "micro_batches", micro_batches, 1)
        replicas = whole_number(NAME, "replicas", replicas, 1)
        _check_arguments(balance, schedule, replicas, size)
        grid = Grid(0 if transport is None else transport.cluster.rank, size, replicas)
        self.cuts = None if cuts is None else _names_of_cuts(cuts, grid.stages)
        self.balance = balance
        self._grid, self._transport = grid, transport
        self._schedule, self._micro_batches = schedule, micro_batches
        messages: Messages | None = None
        if transport is not None:
            if options.timeout_seconds:
                transport.timeout = options.timeout_seconds
            messages = transport.messages()
        self._steps = Steps(grid, transport, messages, schedule, micro_batches)
        super().__init__(PipelineExtended(self, grid))

    micro_batches = read_only("_micro_batches", "Into how many parts a replica's rows are cut.")
    schedule = read_only("_schedule", "In which order stages compute.")
    stage = read_only("_grid.stage", "The number of this process's stage, from 0.")
    num_stages = read_only("_grid.stages", "Number of stages.")

    grid = read_only("_grid", "Which process computes what.")
    steps = read_only("_steps", "Runner of this process's part of a step.")

    @property
    def transport(self) -> Transport | None:
        """Transport between the processes; None if there is one."""
        return self._transport

    def pipeline(
        self,
        stages: Sequence[Callable[..., Any] | None],
        loss: Callable[..., Any] | None = None,
        optimizer: Any = None,
    ) -> Pipeline:
        """Returns the pipeline of functions, for loops of one's own.

        Args:
          stages: a function (a layer, a tf.Module that can be called) for each stage. The first is called with the tensors of the inputs, and
            each other with the tensor that the one before returns, or the tensors of its list or tuple. A process calls its own only, and
            may give None for the others. Of objects with `variables`, which all processes have, each process keeps those of its stage;
            checkpoints of them are then whole.
          loss: called with targets and what the last stage returns; gives the mean over the rows.
          optimizer: of Keras; without it only `gradients` computes something to train with.

        Returns:
          A Pipeline.

        Raises:
          ValueError: there are not as many functions as stages, or two stages share a variable.
        """
        return Pipeline(self._grid, self._transport, self._steps, stages, loss, optimizer)


def _check_arguments(balance: str, schedule: str, replicas: int, size: int) -> None:
    for name, value, known in (("schedule", schedule, SCHEDULES), ("balance", balance, BALANCES)):
        if value not in known:
            raise ValueError(f"{NAME}: {name} must be one of {tuple(known)}. Received: {value!r}.")
    if size % replicas:
        raise ValueError(
            f"{NAME}: the {size} processes cannot be divided into replicas={replicas} pipelines."
        )


def _names_of_cuts(cuts: Sequence[str], stages: int) -> list[str]:
    if isinstance(cuts, str) or not all(isinstance(name, str) for name in cuts):
        raise TypeError(f"{NAME}: cuts must be a list of names of layers. Received: {cuts!r}.")
    if len(cuts) != stages - 1:
        raise ValueError(
            f"{NAME}: {stages} stages need {stages - 1} cuts. Received: cuts={list(cuts)}."
        )
    return list(cuts)
