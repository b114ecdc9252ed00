"""Arguments that describe a service, a job and an element, checked as TensorFlow checks them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from penstock._src.core.shapes import TensorShape
from penstock._src.data.experimental.service.configurations import check_protocol
from penstock._src.data.experimental.service.jobs import ShardingPolicy
from penstock._src.ops.data.pipeline import Element

COMPRESSIONS = ["AUTO", None, "SNAPPY"]
ANY, LOCAL, AUTO = "ANY", "LOCAL", "AUTO"
TARGETS = (AUTO, ANY, LOCAL)
_TRANSFERS = ("", "grpc")
_MODES = {
    "parallel_epochs": ShardingPolicy.OFF,
    "distributed_epoch": ShardingPolicy.DYNAMIC,
}


def policy_of(mode: Any) -> ShardingPolicy:
    """The ShardingPolicy of a processing mode.

    Raises:
      ValueError: there is no such mode.
    """
    if isinstance(mode, ShardingPolicy):
        return mode
    if isinstance(mode, str) and mode in _MODES:
        return _MODES[mode]
    raise ValueError(
        "tf.data service processing mode should be a "
        '`tf.data.experimental.service.ShardingPolicy`, `"parallel_epochs"`, or '
        f'`"distributed_epoch"`. Got {mode!r}.'
    )


def service_of(service: Any) -> str:
    """The host and port of a dispatcher that is named by "protocol://host:port", these alone, or a tuple of both.

    Raises:
      ValueError: it is none of them.
      NotFoundError: there is no such protocol.
    """
    if isinstance(service, tuple):
        protocol, address = service
    else:
        if not isinstance(service, str):
            raise ValueError(
                f"`service` must be a string, but `service` was of type {type(service)}. "
                f"service={service}"
            )
        if not service:
            raise ValueError("`service` must not be empty")
        if service.count("://") > 1:
            raise ValueError(f"Malformed `service` string has multiple '://': {service}.")
        protocol, _, address = service.rpartition("://")
    check_protocol(protocol or "grpc")
    return str(address)


def check_compression(compression: Any) -> None:
    """Raises ValueError for one that there is not."""
    if compression not in COMPRESSIONS:
        raise ValueError(
            f"Invalid `compression` argument: {compression}. Must be one of {COMPRESSIONS}."
        )


def check_job_name(name: Any) -> None:
    """Raise ValueError for an invalid name."""
    if name is not None and not isinstance(name, str):
        raise ValueError(
            f"`job_name` must be a string, but `job_name` was of type {type(name)}. job_name={name}"
        )
    if name is not None and not name:
        raise ValueError("`job_name` must not be empty")


def check_consumers(job_name: Any, index: Any, consumers: Any) -> None:
    """Raises an error unless both numbers are given, and fit."""
    if consumers is None:
        return
    if index is None:
        raise ValueError(
            "Must either set both `consumer_index` and `num_consumers`, or neither. "
            f"consumer_index={index}, num_consumers={consumers}"
        )
    if job_name is None:
        raise ValueError(
            f"`job_name` must be set when setting `num_consumers`. num_consumers was set to "
            f"{consumers}."
        )
    number, count = _integer("consumer_index", index), _integer("num_consumers", consumers)
    if not 0 <= number < count:
        raise FailedPreconditionError(
            f"tf.data service: requesting data for consumer index {number}, but the task is configured "
            f"for only {count} consumers"
        )


def check_most_requests(most: Any) -> None:
    """Raises an error unless it is a number of requests, or -1."""
    if most is not None:
        most = _integer("max_outstanding_requests", most)
        if most < 1 and most != -1:
            raise InvalidArgumentError(
                f"max_outstanding_requests must be positive or -1. Received {most}"
            )


def check_transfer(protocol: Any) -> None:
    """Raises an error for a protocol that workers do not have."""
    if protocol is None:
        return
    _check_text("data_transfer_protocol", protocol)
    if protocol not in _TRANSFERS:
        raise NotFoundError(
            f"Protocol '{protocol}' is not available for the workers of a tf.data service. There is: grpc"
        )


def target_of(target: Any) -> str:
    """The workers to read from: one of TARGETS.

    Raises:
      InvalidArgumentError: there are no such.
    """
    if target is None:
        return AUTO
    _check_text("target_workers", target)
    if target.upper() not in TARGETS:
        raise InvalidArgumentError(f"Unrecognized target workers: {target}")
    return str(target.upper())


def check_cache(job_name: Any, consumers: Any, cardinality: int) -> None:
    """Raises InvalidArgumentError where trainers cannot share a cache."""
    if not job_name:
        raise InvalidArgumentError(
            "Cross-trainer caching requires named jobs. Got empty `job_name`."
        )
    if consumers is not None:
        raise InvalidArgumentError(
            "Cross-trainer caching does not support coordinated reads. Got number of coordinated "
            f"consumers: {consumers}"
        )
    if cardinality != -1:
        raise InvalidArgumentError(
            "Cross-trainer caching requires the input dataset to be infinite. Got input with "
            f"cardinality {cardinality}"
        )


def check_element(
    element: Element, types: Sequence[DType], shapes: Sequence[TensorShape]
) -> Element:
    """Returns an element unchanged if it has the types and shapes of `element_spec`.

    Raises:
      FailedPreconditionError: it has others components or types.
      InvalidArgumentError: it has other shapes.
    """
    if len(element) != len(types):
        raise FailedPreconditionError(
            f"tf.data service: `element_spec` has {len(types)} components, but elements have {len(element)}"
        )
    for at, (value, dtype, shape) in enumerate(zip(element, types, shapes, strict=True)):
        if isinstance(value, np.ndarray) and value.dtype != object:
            if value.dtype != dtype.np:
                raise FailedPreconditionError(
                    f"tf.data service: Expected a tensor of type {dtype.name} but got a tensor of type "
                    f"{value.dtype.name}: `element_spec` is not that of the dataset, at component {at}"
                )
            if not shape.is_compatible_with(value.shape):
                raise InvalidArgumentError(
                    f"tf.data service: Incompatible shapes at component {at}: expected {shape} but got "
                    f"{list(value.shape)}."
                )
    return element


def _integer(name: str, value: Any) -> int:
    number = value.numpy() if hasattr(value, "numpy") else value
    try:
        return operator.index(number)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer. Received {value!r}") from None


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"Expected string for argument '{name}' not {value!r}.")
