"""SageMakerClusterResolver: clusters of Amazon SageMaker, described by SM_HOSTS and SM_CURRENT_HOST."""

import json
import os
from typing import Any

from penstock._src.distribute.resolvers.tf_config import TFConfigClusterResolver


class SageMakerClusterResolver(TFConfigClusterResolver):
    """The hosts of a SageMaker job, which are all workers.

    Args:
      port: the port of each worker.
      task_type, task_id, rpc_layer, environment: override what the environment says.
    """

    def __init__(
        self,
        port: int = 2223,
        task_type: str | None = None,
        task_id: int | None = None,
        rpc_layer: str | None = None,
        environment: str | None = None,
    ) -> None:
        super().__init__(task_type, task_id, rpc_layer, environment)
        self._port = port

    def _config(self) -> dict[str, Any]:
        for variable in ("SM_CURRENT_HOST", "SM_HOSTS"):
            assert variable in os.environ, f"Not a SageMaker Environment: {variable} is not set."
        hosts = sorted(json.loads(os.environ["SM_HOSTS"] or "[]"))
        own = os.environ["SM_CURRENT_HOST"]
        if own not in hosts:
            return {"rpc_layer": None}
        return {
            "cluster": {"worker": [f"{host}:{self._port}" for host in hosts]},
            "task": {"type": "worker", "index": hosts.index(own)},
            "rpc_layer": None,
        }
