"""Initialization of TPU systems, and their hardware features."""

import collections
from enum import Enum
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.resolvers.tpu import TPUClusterResolver
from penstock._src.proto.tpu import TPUHardwareFeature
from penstock._src.util.export import export, export_constant
from penstock._src.util.signatures import read_only

XLAOptions = collections.namedtuple(
    "XLAOptions",
    ["use_spmd_for_xla_partitioning", "enable_xla_dynamic_padder", "use_shardy_partitioner"],
    defaults=[True, True, False],
)
XLAOptions.__doc__ = """Options for compiling a computation for TPUs.

Args:
  use_spmd_for_xla_partitioning: whether cores run one program on their parts of the data.
  enable_xla_dynamic_padder: whether tensors of unknown sizes are padded.
  use_shardy_partitioner: whether XLA's newer partitioner is used.
"""
export_constant("tpu.XLAOptions", XLAOptions)

TPUSystemMetadata = collections.namedtuple(
    "TPUSystemMetadata", ["num_cores", "num_hosts", "num_of_cores_per_host", "topology", "devices"]
)
TPUSystemMetadata.__doc__ = """Numbers of cores and hosts of a TPU system.

Args:
  num_cores, num_hosts, num_of_cores_per_host: numbers.
  topology: how the cores are connected, or None.
  devices: all devices.
"""
export_constant("tpu.experimental.TPUSystemMetadata", TPUSystemMetadata)


@export("tpu.experimental.HardwareFeature")
class HardwareFeature:
    """The hardware's support for embeddings.

    Args:
      tpu_hardware_feature_proto: a TPUHardwareFeature.
    """

    class EmbeddingFeature(Enum):
        """The generations of embedding hardware."""

        UNSUPPORTED = "UNSUPPORTED"
        V1 = "V1"
        V2 = "V2"

    def __init__(self, tpu_hardware_feature_proto: Any) -> None:
        self.tpu_hardware_feature_proto = tpu_hardware_feature_proto

    @property
    def embedding_feature(self) -> "HardwareFeature.EmbeddingFeature":
        """The generation of embedding hardware."""
        number = self.tpu_hardware_feature_proto.embedding_feature
        name = TPUHardwareFeature.EmbeddingFeature.Name(number)
        return HardwareFeature.EmbeddingFeature(name)

    num_embedding_devices_per_chip = read_only(
        "tpu_hardware_feature_proto.num_embedding_devices_per_chip",
        "Number of embedding devices of a chip.",
    )


@export("tpu.experimental.initialize_tpu_system")
def initialize_tpu_system(cluster_resolver: Any = None) -> Any:
    """Raises an error: there is no TPU.

    Args:
      cluster_resolver: a `tf.distribute.cluster_resolver.TPUClusterResolver`.

    Returns:
      The topology of the system.

    Raises:
      ValueError: no TPU is named.
      UnimplementedError: otherwise.

    >>> try:
    ...     tf.tpu.experimental.initialize_tpu_system()
    ... except ValueError:
    ...     print("no TPU is named")
    no TPU is named
    """
    _require_tpu("initialize_tpu_system", cluster_resolver)


@export("tpu.experimental.shutdown_tpu_system")
def shutdown_tpu_system(cluster_resolver: Any = None) -> None:
    """Shuts a TPU system down.

    Args:
      cluster_resolver: names the TPU.

    Raises:
      ValueError: no TPU is named.
      UnimplementedError: otherwise.
    """
    _require_tpu("shutdown_tpu_system", cluster_resolver)


def _require_tpu(name: str, cluster_resolver: Any) -> None:
    if cluster_resolver is None:
        TPUClusterResolver("")
    raise UnimplementedError(f"tf.tpu.experimental.{name}: TPUs are not implemented.")
