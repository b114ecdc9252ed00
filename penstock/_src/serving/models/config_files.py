"""TensorFlow Serving's configuration files, text protos of models, batching and monitoring."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from google.protobuf import text_format

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems import files
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.models.config import METRICS_PATH, ModelConfig, VersionPolicy
from penstock._src.serving.protos import config as protos


def read_models(path: str) -> tuple[ModelConfig, ...]:
    """Returns the models of a `ModelServerConfig` file.

    Raises:
      InvalidArgumentError: the file is not one.
    """
    return configs_of(_read(path, protos.ModelServerConfig()))


def write_models(path: str, configs: Iterable[ModelConfig]) -> None:
    """Writes models as a `ModelServerConfig` file; replaces an existing one."""
    message = protos.ModelServerConfig()
    message.model_config_list.SetInParent()
    for config in configs:
        entry = message.model_config_list.config.add(
            name=config.name, base_path=config.base_path, model_platform="tensorflow"
        )
        entry.version_labels.update(config.labels)
        _set_policy(entry.model_version_policy, config.policy)
    temporary = f"{path}.{os.getpid()}"  # processes may write at the same time
    files.write(temporary, text_format.MessageToString(message).encode())
    files.rename(temporary, path)


def _set_policy(message: Any, policy: VersionPolicy) -> None:
    if policy.kind == "all":
        message.all.SetInParent()
    elif policy.kind == "specific":
        message.specific.versions.extend(policy.versions)
    else:
        message.latest.num_versions = policy.count


def read_batching(path: str) -> tuple[BatchingParameters, int]:
    """Returns the limits of a `BatchingParameters` file, and the number of threads; 0 if it has none.

    Raises:
      InvalidArgumentError: the file is not one, or a limit is out of range.
    """
    message = _read(path, protos.BatchingParameters())
    limits: dict[str, Any] = {
        "max_batch_size": 1000,  # TensorFlow Serving's, for who configures batching
        "allowed_batch_sizes": tuple(message.allowed_batch_sizes),
        "pads_variable_lengths": message.pad_variable_length_inputs,
    }
    for name in ("max_batch_size", "max_enqueued_batches"):
        if message.HasField(name):
            limits[name] = getattr(message, name).value
    if message.HasField("batch_timeout_micros"):
        limits["batch_timeout"] = message.batch_timeout_micros.value / 1e6
    return BatchingParameters(**limits), message.num_batch_threads.value


def read_metrics_path(path: str) -> str:
    """Returns the path at which a `MonitoringConfig` file wants Prometheus's metrics; "" if it does not.

    Raises:
      InvalidArgumentError: the file is not one, or the path does not begin with a slash.
    """
    prometheus = _read(path, protos.MonitoringConfig()).prometheus_config
    if prometheus.path and not prometheus.path.startswith("/"):
        raise InvalidArgumentError(
            f"{path}: expected a path that begins with a slash. Received '{prometheus.path}'."
        )
    return (prometheus.path or METRICS_PATH) if prometheus.enable else ""


def _read(path: str, message: Any) -> Any:
    try:
        return text_format.Parse(files.read(path).decode(), message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"{path}: no {message.DESCRIPTOR.name} text: {error}."
        ) from error


def configs_of(message: Any) -> tuple[ModelConfig, ...]:
    """Returns the models of a `ModelServerConfig` message.

    Raises:
      InvalidArgumentError: it is of another kind, or asks for another platform.
    """
    if message.WhichOneof("config") != "model_config_list":
        raise InvalidArgumentError("ModelServerConfig: expected a model_config_list.")
    return tuple(_config(entry) for entry in message.model_config_list.config)


def _config(entry: Any) -> ModelConfig:
    if entry.model_platform not in ("", "tensorflow"):
        raise InvalidArgumentError(
            f"{entry.name}: expected the model_platform 'tensorflow'. Received '{entry.model_platform}'."
        )
    return ModelConfig(
        entry.name, entry.base_path, _policy(entry.model_version_policy), dict(entry.version_labels)
    )


def _policy(message: Any) -> VersionPolicy:
    kind = message.WhichOneof("policy_choice")
    if kind == "all":
        return VersionPolicy("all")
    if kind == "specific":
        return VersionPolicy("specific", versions=tuple(message.specific.versions))
    return VersionPolicy("latest", message.latest.num_versions or 1)
