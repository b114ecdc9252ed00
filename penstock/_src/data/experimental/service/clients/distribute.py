"""Datasets produced by a tf.data service."""

import contextlib
import itertools
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from penstock._src.core.registry import find
from penstock._src.data import structure
from penstock._src.data.dataset import Dataset, derived
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import HERE, call
from penstock._src.data.experimental.service.clients.arguments import (
    check_cache,
    check_compression,
    check_consumers,
    check_element,
    check_job_name,
    check_most_requests,
    check_transfer,
    policy_of,
    service_of,
    target_of,
)
from penstock._src.data.experimental.service.clients.consuming import Consumer
from penstock._src.data.experimental.service.jobs import ShardingPolicy
from penstock._src.data.experimental.service.servers import LOCAL
from penstock._src.data.graph_defs import dataset_graph, is_rebuildable
from penstock._src.data.options import AutoShardPolicy, Options
from penstock._src.eager.tensor import EagerTensor
from penstock._src.filesystems.damaged import message_of, parsing
from penstock._src.function.structured_values import NotEncodableError, decode, encode
from penstock._src.ops.data.iteration.resume import Resumable, State
from penstock._src.ops.data.pipeline import INFINITE, UNKNOWN, Element, Run, external_state
from penstock._src.ops.data.source import GeneratorPipeline
from penstock._src.proto.saved import StructuredValue
from penstock._src.util.export import export


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
      max_outstanding_requests: the most elements that are asked for at a time, or -1. One is.
      data_transfer_protocol: "grpc".
      compression: "SNAPPY" to compress elements on their way, "AUTO" or None not to.
      cross_trainer_cache: a CrossTrainerCache: each trainer gets all elements of an infinite dataset.
      target_workers: "LOCAL" for workers of this process alone; "AUTO" or "ANY".

    Returns:
      A function for `Dataset.apply`.

    Raises:
      ValueError, TypeError, InvalidArgumentError, NotFoundError: an argument is invalid.
    """
    check_job_name(job_name)
    policy = policy_of(processing_mode)
    check_compression(compression)

    def apply(dataset: Dataset) -> Dataset:
        address = service_of(service)
        name = _register(address, dataset, "", compression)
        cardinality = int(dataset.cardinality())
        return _dataset(
            policy=policy,
            service=address,
            name=name,
            spec=dataset.element_spec,
            cardinality=cardinality,
            job_name=job_name,
            consumer=consumer_index,
            consumers=num_consumers,
            most_requests=max_outstanding_requests,
            transfer=data_transfer_protocol,
            cache=cross_trainer_cache,
            target=target_workers,
        )

    return apply


@export("data.experimental.service.register_dataset")
def register_dataset(
    service: Any, dataset: Dataset, compression: str | None = "AUTO", dataset_id: str | None = None
) -> Any:
    """Registers a dataset with a service; returns its id for `from_dataset_id`.

    Args:
      service: the target of a DispatchServer, "grpc://host:port".
      dataset: a Dataset.
      compression: "SNAPPY" to compress elements on their way, "AUTO" or None not to.
      dataset_id: a name; by default a number is chosen.

    Returns:
      A string scalar.

    Raises:
      ValueError: `service` or `compression` is invalid.
      InvalidArgumentError: another dataset has this name.
    """
    check_compression(compression)
    address = service_of(service)
    name = "" if dataset_id is None else _name_of(dataset_id)
    return convert_to_tensor(_register(address, dataset, name, compression))


def _register(service: str, dataset: Dataset, name: str, compression: str | None) -> str:
    """Registers a dataset; returns its id."""
    request = described(dataset)
    request.dataset_id, request.compression = name, compression or ""
    reply = call(messages.DISPATCHER, service, "Register", request, messages.RegisterReply)
    return str(reply.dataset_id)


def described(dataset: Dataset) -> Any:
    """The RegisterRequest of a dataset: its graph, structure and cardinality."""
    variant = dataset._variant_tensor
    if not isinstance(variant, EagerTensor):
        raise UnimplementedError("tf.data service: datasets of graphs are not supported.")
    graph, token = _graph(variant._value), uuid.uuid4().hex
    if HERE or not graph:  # there may be workers in this process
        LOCAL[token] = variant._value
    return messages.RegisterRequest(
        graph=graph,
        local=token,
        spec=_encoded_spec(dataset),
        cardinality=int(dataset.cardinality()),
    )


def _encoded_spec(dataset: Dataset) -> bytes:
    """Return the message of a dataset's `element_spec`; b"" if it has types that messages cannot encode."""
    try:
        return bytes(encode(dataset.element_spec).SerializeToString())
    except NotEncodableError:
        return b""


def _graph(pipeline: Any) -> bytes:
    """The graph of a dataset; b"" if it depends on state of this process."""
    state = external_state(pipeline)
    if not is_rebuildable(pipeline) or (
        state is not None and "python" in find(state).permissions.capabilities
    ):
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
      ValueError, TypeError, InvalidArgumentError: an argument is invalid.
      NotFoundError: no dataset has this id.
    """
    check_job_name(job_name)
    policy, address = policy_of(processing_mode), service_of(service)
    name = _name_of(dataset_id)
    reply = call(
        messages.DISPATCHER, address, "Spec", messages.SpecRequest(dataset_id=name), messages.SpecReply
    )  # fmt: skip
    if element_spec is None:
        if not reply.spec:
            raise ValueError(
                f"Failed to fetch element spec for dataset id {name} from tf.data service. If the "
                "dataset was registered in graph mode or inside a tf.function, the `element_spec` must "
                "be specified as an argument to `from_dataset_id`."
            )
        element_spec = _decoded_spec(reply.spec)
    if not reply.is_known:
        raise NotFoundError(
            f"Dataset id {name} not found. It must be registered with `register_dataset` before "
            "calling `from_dataset_id`."
        )
    return _dataset(
        policy=policy,
        service=address,
        name=name,
        spec=element_spec,
        cardinality=reply.cardinality,
        job_name=job_name and f"dataset_id={name}/{job_name}",
        consumer=consumer_index,
        consumers=num_consumers,
        most_requests=max_outstanding_requests,
        transfer=data_transfer_protocol,
        cache=cross_trainer_cache,
        target=target_workers,
    )


def _name_of(dataset_id: Any) -> str:
    name = dataset_id.numpy() if isinstance(dataset_id, EagerTensor) else dataset_id
    if not isinstance(name, bytes | str):
        raise InvalidArgumentError(
            f"tf.data service: `dataset_id` was expected to be a string. Received {dataset_id!r}"
        )
    return os.fsdecode(name)


def _decoded_spec(data: bytes) -> Any:
    name = "the element_spec that a dispatcher sent"
    with parsing(name):
        return decode(message_of(StructuredValue, data, name))


class _Produced(GeneratorPipeline):
    """Elements that a service produces. The position cannot be saved, as the next iteration is another job."""

    def __init__(self, make: Callable[[], Iterator[Element]], is_infinite: bool) -> None:
        super().__init__(make)
        self.is_infinite = is_infinite

    def cardinality(self) -> int:
        return INFINITE if self.is_infinite else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return _Unsaved(super().iterate(run))


class _Unsaved(Resumable):
    def __init__(self, source: Iterator[Element]) -> None:
        self.source = source

    def __next__(self) -> Element:
        return next(self.source)

    def save(self) -> State:
        raise UnimplementedError(
            "tf.data service: the position of an iterator over a distributed dataset cannot be saved."
        )


def _dataset(
    *,
    policy: ShardingPolicy,
    service: str,
    name: str,
    spec: Any,
    cardinality: int,
    job_name: str | None,
    consumer: Any,
    consumers: Any,
    most_requests: Any,
    transfer: Any,
    cache: CrossTrainerCache | None,
    target: Any,
) -> Dataset:
    check_consumers(job_name, consumer, consumers)
    check_most_requests(most_requests)
    check_transfer(transfer)
    if cache is not None and not isinstance(cache, CrossTrainerCache):
        raise TypeError(f"`cross_trainer_cache` must be a CrossTrainerCache. Received {cache!r}")
    workers, iterations = target_of(target), itertools.count()
    types, shapes = tuple(structure.flat_types(spec)), tuple(structure.flat_shapes(spec))

    def make() -> Iterator[Element]:
        if cache is not None:
            check_cache(job_name, consumers, cardinality)
        request = messages.JobRequest(
            dataset_id=name, policy=policy, name=job_name or "", iteration=next(iterations),
            consumers=consumers or 0, is_cached=cache is not None, target=workers,
        )  # fmt: skip
        place = None if consumers is None else int(consumer)
        trainer = None if cache is None else cache.trainer_id
        with contextlib.closing(Consumer(service, request, place, trainer).elements()) as taken:
            for element in taken:
                yield check_element(element, types, shapes)

    pipeline = _Produced(make, cardinality == INFINITE)
    pipeline.types, pipeline.shapes = types, shapes
    result = derived("_DataServiceDataset", EagerTensor(pipeline, dtypes.variant), spec)
    if job_name is None:
        return result
    options = Options()  # consumers share the elements of a job already
    options.experimental_distribute.auto_shard_policy = AutoShardPolicy.OFF
    return result.with_options(options)
