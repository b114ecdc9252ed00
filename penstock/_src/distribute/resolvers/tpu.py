"""TPUClusterResolver: addresses of TPU workers. TPUs cannot be used, but their addresses can be resolved."""

import os
import re
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.resolvers.base import ClusterResolver
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.util.export import export

# Where TensorFlow looks up the name of a TPU.
VARIABLES = ("TPU_NAME", "KUBE_GOOGLE_CLOUD_TPU_ENDPOINTS")
DEFAULT_PORT = "8470"


def _missing(what: str) -> UnimplementedError:
    return UnimplementedError(f"TPUClusterResolver: {what} is not implemented.")


@export("distribute.cluster_resolver.TPUClusterResolver")
class TPUClusterResolver(ClusterResolver):
    """A TPU given by the addresses of its workers.

    Args:
      tpu: "grpc://<address>", several separated by commas, or "local".
      zone, project, credentials, service, discovery_url: accepted; they identify TPUs in a cloud.
      job_name: the job of the workers.
      coordinator_name, coordinator_address: an additional job, and the address of its task.

    Raises:
      ValueError: no TPU is named.

    >>> tf.distribute.cluster_resolver.TPUClusterResolver("grpc://10.0.0.2").master()
    'grpc://10.0.0.2:8470'
    """

    def __init__(
        self,
        tpu: str | None = None,
        zone: str | None = None,
        project: str | None = None,
        job_name: str = "worker",
        coordinator_name: str | None = None,
        coordinator_address: str | None = None,
        credentials: Any = "default",
        service: Any = None,
        discovery_url: str | None = None,
    ) -> None:
        tpu = tpu or next(filter(None, map(os.environ.get, VARIABLES)), None)
        if not tpu:
            raise ValueError("Please provide a TPU Name to connect to.")
        self._tpu = tpu.decode() if isinstance(tpu, bytes) else tpu
        self._job_name, self._task_type, self._task_id = job_name, job_name, 0
        self._coordinator = coordinator_name, coordinator_address
        self._topology: Any = None

    @staticmethod
    def connect(
        tpu: str | None = None, zone: str | None = None, project: str | None = None
    ) -> "TPUClusterResolver":
        """Connects to a TPU and starts it.

        Args:
          tpu, zone, project: of the TPU, as the constructor's.

        Raises:
          UnimplementedError: always, if a TPU is named.
        """
        TPUClusterResolver(tpu, zone, project)
        raise _missing("connecting to TPUs")

    def _addresses(self) -> list[str]:
        if self._tpu == "local":
            return []
        if not re.match(r"\w+://", self._tpu):
            raise _missing(f"asking a cloud for the TPU '{self._tpu}'")
        addresses = [part.split("://")[-1] for part in self._tpu.split(",")]
        return [a if ":" in a else f"{a}:{DEFAULT_PORT}" for a in addresses]

    def cluster_spec(self) -> ClusterSpec:
        """Returns the workers, and the coordinator if there is one; an empty cluster for a local TPU."""
        addresses = self._addresses()
        if not addresses:
            return ClusterSpec({})
        cluster = {self._job_name: addresses}
        name, address = self._coordinator
        if address:
            cluster[name or "coordinator"] = [address]
        return ClusterSpec(cluster)

    def master(self, task_type=None, task_id=None, rpc_layer=None) -> str:
        """Returns the address of a worker, by default of the first; "local" for a local TPU."""
        if self._tpu == "local":
            return self._tpu
        if task_type is None or task_id is None:
            return f"grpc://{self._addresses()[0]}"
        return self._address(task_type, task_id, rpc_layer or "grpc")

    def get_master(self) -> str:
        """Returns `master()`.

        Returns:
          A str.
        """
        return self.master()

    def get_job_name(self) -> str:
        """Returns the name of the workers' job.

        Returns:
          A str.
        """
        return self._job_name

    def get_coordination_service_leader(self) -> str | None:
        """Returns None: there is no TPU coordination service."""
        return None

    def get_tpu_system_metadata(self) -> Any:
        """Queries the TPU's topology.

        Raises:
          UnimplementedError: always.
        """
        raise _missing("talking to TPUs")

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None) -> dict[str, int]:
        """Queries the TPU's cores.

        Args:
          task_type, task_id, config_proto: accepted.

        Raises:
          UnimplementedError: always.
        """
        raise _missing("talking to TPUs")

    def set_tpu_topology(self, serialized_tpu_topology: Any) -> None:
        """Stores the TPU's topology.

        Args:
          serialized_tpu_topology: a TopologyProto, as bytes.
        """
        self._topology = serialized_tpu_topology

    @property
    def tpu_hardware_feature(self) -> Any:
        """The hardware features of the TPU."""
        raise _missing("talking to TPUs")

    def __enter__(self) -> "TPUClusterResolver":
        return self

    def __exit__(self, type: Any, value: Any, traceback: Any) -> None:
        """Does nothing: no resources are held."""
