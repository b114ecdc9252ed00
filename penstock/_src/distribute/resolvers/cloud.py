"""Resolvers that query a cloud through its client library: Compute Engine and Kubernetes."""

import importlib
from enum import Enum
from typing import Any

from penstock._src.distribute.resolvers.base import ClusterResolver, master_url
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.util.export import export
from penstock._src.util.signatures import read_write


@export("distribute.cluster_resolver.GCEClusterResolver")
class GCEClusterResolver(ClusterResolver):
    """The instances of a Google Compute Engine instance group.

    Args:
      project, zone, instance_group: identify the group.
      port: on which the instances listen.
      task_type, task_id: of this process.
      rpc_layer: the protocol.
      credentials: "default", None, or credentials of oauth2client.
      service: a client of the compute service; by default one is created with googleapiclient.

    Raises:
      ImportError: googleapiclient is not installed, and no `service` given.
    """

    def __init__(
        self,
        project: str,
        zone: str,
        instance_group: str,
        port: int,
        task_type: str = "worker",
        task_id: int = 0,
        rpc_layer: str = "grpc",
        credentials: Any = "default",
        service: Any = None,
    ) -> None:
        self._project, self._zone, self._group = project, zone, instance_group
        self._port, self._rpc_layer = port, rpc_layer
        self._task_type, self._task_id = task_type, task_id
        self._service = service or _compute_service(credentials)

    def cluster_spec(self) -> ClusterSpec:
        """Returns the running instances, sorted by name, as one job."""
        groups, instances = self._service.instanceGroups(), self._service.instances()
        request = groups.listInstances(
            project=self._project,
            zone=self._zone,
            instanceGroups=self._group,
            body={"instanceState": "RUNNING"},
            orderBy="name",
        )
        workers = []
        while request is not None:
            response = request.execute()
            for item in response["items"]:
                name = item["instance"].split("/")[-1]
                instance = instances.get(
                    project=self._project, zone=self._zone, instance=name
                ).execute()
                if instance["status"] == "RUNNING":
                    workers.append(f"{instance['networkInterfaces'][0]['networkIP']}:{self._port}")
            request = groups.listInstances_next(
                previous_request=request, previous_response=response
            )
        workers.sort()
        return ClusterSpec({self._task_type: workers})

    def master(self, task_type=None, task_id=None, rpc_layer=None) -> str:
        """Returns the address of a task, by default of this one."""
        return self._own_address(task_type, task_id, rpc_layer or self._rpc_layer)

    rpc_layer = read_write("_rpc_layer", "The protocol.")


def _compute_service(credentials: Any) -> Any:
    try:
        discovery = importlib.import_module("googleapiclient.discovery")
    except ImportError:
        raise ImportError(
            "googleapiclient must be installed before using the GCE cluster resolver"
        ) from None
    if credentials == "default":
        client = importlib.import_module("oauth2client.client")
        credentials = client.GoogleCredentials.get_application_default()
    return discovery.build("compute", "v1", credentials=credentials)


@export("distribute.cluster_resolver.KubernetesExecutableLocation")
class KubernetesExecutableLocation(Enum):
    """Location of this process, within the cluster or outside, which decides how the resolver finds its configuration."""

    WITHIN_CLUSTER = 0
    OFF_CLUSTER = 1


@export("distribute.cluster_resolver.KubernetesClusterResolver")
class KubernetesClusterResolver(ClusterResolver):
    """The pods of a Kubernetes cluster, found by their labels.

    Args:
      job_to_label_mapping: {job: label selectors}; by default the workers have `job-name=tensorflow`.
      tf_server_port: on which the pods listen.
      rpc_layer: the protocol.
      override_client: a client of the core API; by default one is created with the library.
      executable_location: where this process runs.

    Raises:
      ImportError: the Kubernetes client is not installed, and no `override_client` given.
    """

    def __init__(
        self,
        job_to_label_mapping: dict[str, list[str]] | None = None,
        tf_server_port: int = 8470,
        rpc_layer: str = "grpc",
        override_client: Any = None,
        executable_location: Any = KubernetesExecutableLocation.WITHIN_CLUSTER,
    ) -> None:
        self._labels = job_to_label_mapping or {"worker": ["job-name=tensorflow"]}
        self._port, self.rpc_layer = tf_server_port, rpc_layer
        self._client = override_client or _kubernetes_client(executable_location)

    def cluster_spec(self) -> ClusterSpec:
        """Returns the pods of each job.

        Raises:
          RuntimeError: a pod is not running.
        """
        cluster = {}
        for job, labels in self._labels.items():
            pods = []
            for label in labels:
                listed = self._client.list_pod_for_all_namespaces(label_selector=label)
                for pod in sorted(listed.items, key=lambda item: item.metadata.name):
                    if pod.status.phase != "Running":
                        raise RuntimeError(
                            f'Pod "{pod.metadata.name}" is not running; phase: "{pod.status.phase}"'
                        )
                    pods.append(f"{pod.status.host_ip}:{self._port}")
            cluster[job] = pods
        return ClusterSpec(cluster)

    def master(self, task_type=None, task_id=None, rpc_layer=None) -> str:
        """Returns the address of a task, by default the first task of the first job."""
        job = task_type or self.task_type or next(iter(self._labels))
        index = task_id if task_id is not None else self.task_id or 0
        address = self.cluster_spec().task_address(job, index)
        return master_url(address, rpc_layer or self.rpc_layer)


def _kubernetes_client(location: Any) -> Any:
    try:
        kubernetes = importlib.import_module("kubernetes")
    except ImportError:
        raise ImportError(
            "The Kubernetes Python client must be installed before using the Kubernetes Cluster "
            "Resolver. To install the Kubernetes Python client, run `pip install kubernetes` on "
            "your command line."
        ) from None
    if location is KubernetesExecutableLocation.WITHIN_CLUSTER:
        kubernetes.config.load_incluster_config()
    elif location is KubernetesExecutableLocation.OFF_CLUSTER:
        kubernetes.config.load_kube_config()
    else:
        raise ValueError("The executable location provided is invalid.")
    return kubernetes.client.CoreV1Api()
