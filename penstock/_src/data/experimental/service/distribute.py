"""Datasets produced by a tf.data service."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    UnimplementedError,
)
from penstock._src.core.registry import find
from penstock._src.data import structure
from penstock._src.data.dataset import Dataset, derived
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import HERE, call
from penstock._src.data.experimental.service.consuming import Consumer
from penstock._src.data.experimental.service.jobs import ShardingPolicy
from penstock._src.data.experimental.service.servers import LOCAL, check_reachable
from penstock._src.data.experimental.service.specs import as_text, from_text
from penstock._src.data.graph_defs import dataset_graph, is_rebuildable
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.data.pipeline import Element, external_state
from penstock._src.ops.data.source import GeneratorPipeline
from penstock._src.util.export import export

COMPRESSIONS = ["AUTO", None, "SNAPPY"]
TARGETS = ("AUTO", "ANY", "LOCAL")
_MODES = {
    "parallel_epochs": ShardingPolicy.OFF,
    "distributed_epoch": ShardingPolicy.DYNAMIC,
}


@export("data.experimental.service.CrossTrainerCache")
class CrossTrainerCache:
    """Shares the elements of a job between several trainers.

    Args:
      trainer_id: identifies the trainer.
    """

    def __init__(self, trainer_id: str) -> None:
        if not trainer_id:
            raise ValueError("tf.data service cross-trainer cache requires a non-empty trainer ID.")
        self.trainer_id = trainer_id


@export("data.experimental.service.distribute")
def distribute(
    processing_mode: Any,
    service: Any,
    job_name: str | None = None,
    consumer_index: int | None = None,
    num_consumers: int | None = None,
    max_outstanding_requests: int | None = None,
    data_transfer_protocol: str | None = None,
    compression: str | None = "AUTO",
    cross_trainer_cache: CrossTrainerCache | None = None,
    target_workers: str = "AUTO",
) -> Callable[[Dataset], Dataset]:
    """Returns the transformation of a dataset into one that a service produces.

    Args:
      processing_mode: a ShardingPolicy, "parallel_epochs" (OFF) or "distributed_epoch" (DYNAMIC).
      service: the target of a DispatchServer, "grpc://host:port".
      job_name: consumers with the same name share the elements of their first, second, ...
        iterations.
      consumer_index, num_consumers: elements are assigned to consumers round-robin.
      max_outstanding_requests, data_transfer_protocol: accepted.
      compression: "AUTO", None or "SNAPPY"; no effect.
      cross_trainer_cache: a CrossTrainerCache.
      target_workers: "AUTO", "ANY" or "LOCAL".

    Returns:
      A function for `Dataset.apply`.

    Raises:
      ValueError, InvalidArgumentError: an argument is invalid.
    """
    policy = _policy(processing_mode)
    if compression not in COMPRESSIONS:
        raise ValueError(
            f"Invalid `compression` argument: {compression}. Must be one of {COMPRESSIONS}."
        )

    def apply(dataset: Dataset) -> Dataset:
        name = _register(service, dataset, "")
        return _dataset(
            policy, service, name, dataset.element_spec, job_name, consumer_index, num_consumers,
            max_outstanding_requests, cross_trainer_cache, target_workers,
        )  # fmt: skip

    return apply


@export("data.experimental.service.register_dataset")
def register_dataset(
    service: Any, dataset: Dataset, compression: str | None = "AUTO", dataset_id: str | None = None
) -> Any:
    """Registers a dataset with a service; returns its id for `from_dataset_id`.

    Args:
      service: the target of a DispatchServer, "grpc://host:port".
      dataset: a Dataset.
      compression: "AUTO" or None; no effect.
      dataset_id: a name; by default a number is chosen.

    Returns:
      A string scalar.
    """
    return convert_to_tensor(_register(service, dataset, dataset_id or ""))


def _register(service: str, dataset: Dataset, name: str) -> str:
    """Registers a dataset; returns its id."""
    held = dataset._variant_tensor
    if not isinstance(held, EagerTensor):
        raise UnimplementedError("tf.data service: datasets of graphs are not supported.")
    graph, token = _graph(held._value), uuid.uuid4().hex
    if HERE or not graph:  # there may be workers in this process
        LOCAL[token] = held._value
    request = messages.RegisterRequest(
        graph=graph, dataset_id=name, spec=as_text(dataset.element_spec), local=token
    )
    reply = call(messages.DISPATCHER, service, "Register", request, messages.RegisterReply)
    return str(reply.dataset_id)


def _graph(pipeline: Any) -> bytes:
    """The graph of a dataset; b"" if it depends on what only this process has."""
    state = external_state(pipeline)
    if not is_rebuildable(pipeline) or (state is not None and "python" in find(state).capabilities):
        return b""
    try:
        return dataset_graph(pipeline)
    except (UnimplementedError, FailedPreconditionError):
        return b""


@export("data.experimental.service.from_dataset_id")
def from_dataset_id(
    processing_mode: Any,
    service: Any,
    dataset_id: Any,
    element_spec: Any = None,
    job_name: str | None = None,
    consumer_index: int | None = None,
    num_consumers: int | None = None,
    max_outstanding_requests: int | None = None,
    data_transfer_protocol: str | None = None,
    cross_trainer_cache: CrossTrainerCache | None = None,
    target_workers: str = "AUTO",
) -> Dataset:
    """Returns a registered dataset, produced by the service; see `distribute`.

    Args:
      processing_mode, service, job_name, consumer_index, num_consumers, max_outstanding_requests,
        data_transfer_protocol, cross_trainer_cache, target_workers: as
        `tf.data.experimental.service.distribute`'s.
      dataset_id: what `register_dataset` returned.
      element_spec: of the elements; by default as they were registered.

    Returns:
      A Dataset.

    Raises:
      ValueError: no dataset has this id.
    """
    held = dataset_id.numpy() if isinstance(dataset_id, EagerTensor) else dataset_id
    name = held.decode() if isinstance(held, bytes) else str(held)
    if element_spec is None:
        request = messages.SpecRequest(dataset_id=name)
        told = call(messages.DISPATCHER, service, "Spec", request, messages.SpecReply)
        if not told.is_known:
            raise ValueError(
                f"Failed to fetch element spec for dataset id {name} from tf.data service. If the "
                "dataset was registered in graph mode or inside a tf.function, the `element_spec` must "
                "be specified as an argument to `from_dataset_id`."
            )
        element_spec = from_text(told.spec)
    return _dataset(
        _policy(processing_mode), service, name, element_spec, job_name, consumer_index, num_consumers,
        max_outstanding_requests, cross_trainer_cache, target_workers,
    )  # fmt: skip


@export("data.experimental.distributed_save")
def distributed_save(
    dataset: Dataset, path: str, data_service_address: str, compression: str = "AUTO"
) -> None:
    """Writes a dataset into a folder, for `Dataset.load`. It is complete when this returns.

    Args:
      dataset: a Dataset.
      path: the folder.
      data_service_address: the target of a DispatchServer, "grpc://host:port".
      compression: "AUTO" or "SNAPPY" for none here, or "GZIP".
    """
    check_reachable(data_service_address)
    dataset.save(path, compression=None if compression in ("AUTO", "SNAPPY") else compression)


def _policy(mode: Any) -> ShardingPolicy:
    if isinstance(mode, ShardingPolicy):
        return mode
    if mode in _MODES:
        return _MODES[mode]
    raise ValueError(
        "tf.data service processing mode should be a "
        '`tf.data.experimental.service.ShardingPolicy`, `"parallel_epochs"`, or '
        f'`"distributed_epoch"`. Got {mode!r}.'
    )


def _dataset(
    policy: ShardingPolicy,
    service: str,
    name: str,
    spec: Any,
    job_name: str | None,
    consumer: int | None,
    consumers: int | None,
    most_requests: int | None,
    cache: CrossTrainerCache | None,
    target: str,
) -> Dataset:
    _check(job_name, consumers, most_requests, target)
    iterations = itertools.count()

    def make() -> Iterator[Element]:
        request = messages.JobRequest(
            dataset_id=name, policy=policy, name=job_name or "", iteration=next(iterations),
            consumers=consumers or 0, is_cached=cache is not None,
        )  # fmt: skip
        place = None if consumers is None else int(consumer or 0)
        trainer = None if cache is None else cache.trainer_id
        return Consumer(service, request, place, trainer).elements()

    pipeline = GeneratorPipeline(make)
    pipeline.types = tuple(structure.flat_types(spec))
    pipeline.shapes = tuple(structure.flat_shapes(spec))
    return derived("_DataServiceDataset", EagerTensor(pipeline, dtypes.variant), spec)


def _check(job_name: Any, consumers: Any, most_requests: Any, target: str) -> None:
    if job_name is not None and not isinstance(job_name, str):
        raise ValueError(
            f"`job_name` must be a string, but `job_name` was of type {type(job_name)}"
        )
    if job_name is not None and not job_name:
        raise ValueError("`job_name` must not be empty")
    if consumers is not None and job_name is None:
        raise ValueError(
            f"`job_name` must be set when setting `num_consumers`. num_consumers was set to "
            f"{consumers}."
        )
    if most_requests is not None and most_requests < 1 and most_requests != -1:
        raise InvalidArgumentError("max_outstanding_requests must be positive or -1")
    if target.upper() not in TARGETS:
        raise InvalidArgumentError(f"Unrecognized target workers: {target}")
