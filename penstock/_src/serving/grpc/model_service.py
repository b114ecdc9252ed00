"""ModelService: the states of models' versions, and which models are served."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.serving.grpc.calls import status_of
from penstock._src.serving.inference import messages
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.models.config_files import configs_of, write_models
from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.protos import config
from penstock._src.serving.trust.folders import ReloadFolders


class ModelService:
    """Answers calls of the service.

    Args:
      manager: of the models.
      folders: of the models that clients may have loaded.
      reload_file: where other processes read what a client had loaded; empty: there are none.
    """

    def __init__(
        self, manager: ModelManager, folders: ReloadFolders, reload_file: str = ""
    ) -> None:
        self._manager, self._folders, self._reload_file = manager, folders, reload_file

    async def GetModelStatus(self, request: Any, context: Any) -> Any:
        """Return the states of a model's versions, or of the requested one."""
        spec = request.model_spec
        if not spec.name:
            raise InvalidArgumentError("Missing ModelSpec: it must have the name of a model.")
        number = spec.version.value if spec.HasField("version") else None
        if spec.version_label:
            with self._manager.table.using(spec.name, label=spec.version_label) as version:
                number = version.number
        return messages.status_of(self._manager.status(spec.name, number))

    async def HandleReloadConfigRequest(self, request: Any, context: Any) -> Any:
        """Replaces the served models; returns once they are loaded."""
        reply = config.ReloadConfigResponse()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, self._reload, configs_of(request.config))
        except Exception as error:
            code, text = status_of(error)
            context.set_status(code, text)
            reply.status.error_code, reply.status.error_message = code, text
        return reply

    def _reload(self, configs: Sequence[ModelConfig]) -> None:
        for each in configs:
            self._folders.check(each.name, each.base_path)
        self._manager.configure(configs)
        if self._reload_file:
            write_models(self._reload_file, configs)
        names = sorted(config.name for config in configs)
        without = [name for name in names if not self._manager.is_available(name)]
        if without:
            raise FailedPreconditionError(
                f"No version of {', '.join(without)} could be loaded; GetModelStatus says why."
            )
