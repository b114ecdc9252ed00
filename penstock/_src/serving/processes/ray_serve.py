"""The server as a deployment of Ray Serve: replicas on many machines, autoscaling, and many models on few replicas."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import re
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

from penstock._src.core.errors import NotFoundError, UnimplementedError
from penstock._src.filesystems import files
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.options import Options
from penstock._src.serving.rest.replies import error_reply
from penstock._src.serving.server import Server
from penstock._src.util.export import export
from penstock._src.util.flags import TABLE
from penstock._src.util.process.installing import pip_install

# The model that a path names.
_NAME = re.compile(r"/v[12]/models/([^/:]+).*")


@export("serving.ray.application", v1=[])
def application(options: Options, *, cores: int | None = None, **settings: Any) -> Any:
    """Returns an application of Ray Serve that answers the REST API with some models.

    Each replica loads all models. gRPC is Ray's own matter, so it is not served.

    Args:
      options: of each replica's server; ports and workers are not used.
      cores: that a replica computes with, and asks Ray for.
      settings: of the deployment, such as `num_replicas` or `autoscaling_config`.

    Returns:
      What `ray.serve.run` takes.

    Raises:
      ImportError: Ray Serve is not installed.
    """
    return _deployment(Replica, cores, settings).bind(options)


@export("serving.ray.multiplexed", v1=[])
def multiplexed(
    folder: str,
    options: Options,
    models_per_replica: int,
    *,
    cores: int | None = None,
    **settings: Any,
) -> Any:
    """Returns an application of Ray Serve that answers the REST API with any number of models, each loaded when it is asked for.

    A replica keeps the models that were used last. Ray sends requests to a replica that has the model, if their header
    `serve_multiplexed_model_id` names it; without that header they may go to another, which loads it too.

    Args:
      folder: with a folder for each model, named as the model is.
      options: of each replica's server; its models, ports and workers are not used.
      models_per_replica: that are loaded at a time.
      cores: that a replica computes with, and asks Ray for.
      settings: of the deployment, such as `num_replicas` or `autoscaling_config`.

    Returns:
      What `ray.serve.run` takes.

    Raises:
      ImportError: Ray Serve is not installed.
    """
    serve = _ray_serve()

    class Multiplexed(Replica):
        """A replica that loads models at first use."""

        async def _use(self, name: str) -> None:
            await self._held(name)

        # Ray counts the models by the method that it decorates.
        @serve.multiplexed(max_num_models_per_replica=models_per_replica)
        async def _held(self, name: str) -> _Held:
            return await asyncio.get_running_loop().run_in_executor(
                None, _Held, self.server, name, folder
            )

    return _deployment(Multiplexed, cores, settings).bind(options)


def _deployment(replica: type, cores: int | None, settings: Mapping[str, Any]) -> Any:
    options = {"name": "penstock", **settings}
    if cores is not None:
        actor = dict(options.get("ray_actor_options") or {})
        environment = dict(actor.get("runtime_env") or {})
        variables = {TABLE["threads"].variable: str(cores), **environment.get("env_vars", {})}
        actor["runtime_env"] = {**environment, "env_vars": variables}
        options["ray_actor_options"] = {"num_cpus": cores, **actor}
    return _ray_serve().deployment(**options)(replica)


def _ray_serve() -> Any:
    try:
        return importlib.import_module("ray.serve")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Ray Serve is needed, and {error.name} is missing: {pip_install('ray')}."
        ) from error


class Replica:
    """Ray's replica of a deployment: a server without ports.

    Args:
      options: of the server.
    """

    def __init__(self, options: Options) -> None:
        if options.workers != 1:
            raise UnimplementedError(
                f"workers: expected 1, as Ray has replicas instead. Received {options.workers}."
            )
        self.server = Server(options, owns_process=True)
        self.server.begin()

    async def __call__(self, request: Any) -> Any:
        """Answers a request of HTTP: Starlette's, as Ray gives it."""
        match = _NAME.fullmatch(_path(request.scope))
        if match is not None:
            try:
                await self._use(match[1])
            except Exception as error:
                reply = error_reply(error)
                return _starlette().Response(
                    reply.body, reply.status, media_type=reply.content_type.decode()
                )
        return await _answered(self.server.rest, request)

    async def _use(self, name: str) -> None:
        """Sees to it that a model is loaded."""

    def check_health(self) -> None:
        """Makes Ray replace this replica if the server does not answer.

        Raises:
          RuntimeError: it does not.
        """
        if not self.server.is_live:
            raise RuntimeError("The server does not answer.")

    def __del__(self) -> None:
        server = getattr(self, "server", None)
        if server is not None:
            server.end()


class _Held:
    """A model that is loaded as long as Ray keeps this object.

    Args:
      server: that answers for it.
      name: of the model.
      folder: where models are.

    Raises:
      NotFoundError: there is none of that name.
      OpError: it did not load.
    """

    def __init__(self, server: Server, name: str, folder: str) -> None:
        path = os.path.join(folder, name)
        self._server = server
        self._config: ModelConfig | None = None
        if name.startswith(".") or os.path.basename(name) != name or not files.is_folder(path):
            raise NotFoundError(f"Servable not found for request: Latest({name})")
        self._config = ModelConfig(name, path)
        manager = server.manager
        manager.add(self._config)
        if not manager.is_available(name):
            failed = [each.error for each in manager.status(name) if each.error is not None]
            raise failed[0] if failed else NotFoundError(f"{path}: there is no version.")

    def __del__(self) -> None:
        if self._config is not None:
            # Ray calls this in its event loop, and requests may still use the model.
            discard = self._server.manager.discard
            threading.Thread(target=discard, args=[self._config], daemon=True).start()


def _path(scope: Mapping[str, Any]) -> str:
    """The path of a request below the application's own."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


async def _answered(app: Any, request: Any) -> Any:
    """The response of an ASGI application to a request that Ray has read."""
    sent: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    scope = {**request.scope, "path": _path(request.scope)}
    scope.pop("state", None)  # Ray's connection state
    task = asyncio.ensure_future(app(scope, request.receive, sent.put))
    try:
        start, first = await sent.get(), await sent.get()
    except asyncio.CancelledError:
        task.cancel()
        raise
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    if not first.get("more_body"):
        await task
        return _starlette().Response(first["body"], start["status"], headers)
    return _starlette().StreamingResponse(_pieces(first, sent, task), start["status"], headers)


async def _pieces(
    first: Mapping[str, Any], sent: asyncio.Queue[Mapping[str, Any]], task: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    message = first
    try:
        while message.get("more_body"):
            yield message["body"]
            message = await sent.get()
        yield message["body"]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _starlette() -> Any:
    return importlib.import_module("starlette.responses")
