"""A server: models, batches and protocols, put together."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.filesystems import files
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.grpc.gate import Gate
from penstock._src.serving.grpc.generation import GenerationService
from penstock._src.serving.grpc.http2 import server as grpc_server
from penstock._src.serving.grpc.http2.handlers import Handler
from penstock._src.serving.grpc.model_service import ModelService
from penstock._src.serving.grpc.open_inference import OpenInferenceService
from penstock._src.serving.grpc.prediction import PredictionService
from penstock._src.serving.grpc.services import services
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.inference.warm_up import warm_up
from penstock._src.serving.models.config import ModelConfig
from penstock._src.serving.models.config_files import read_models
from penstock._src.serving.models.folders import import_formats, stamp
from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.options import Options
from penstock._src.serving.rest import http
from penstock._src.serving.rest.app import RestApp, Route
from penstock._src.serving.rest.bodies import Bodies
from penstock._src.serving.rest.generation.generate import GenerateRoutes
from penstock._src.serving.rest.metrics import MetricsRoute, counted
from penstock._src.serving.rest.models import ModelRoutes
from penstock._src.serving.rest.open_inference import OpenInferenceRoutes
from penstock._src.serving.rest.openai.embeddings import EmbeddingRoutes
from penstock._src.serving.rest.openai.listing import Listing
from penstock._src.serving.rest.openai.routes import OpenAiRoutes
from penstock._src.serving.rest.page.routes import PageRoutes
from penstock._src.serving.rest.parsing.texts import Texts
from penstock._src.serving.servables.formats.table import load
from penstock._src.serving.telemetry.recorder import Recorder, timed
from penstock._src.serving.telemetry.states import States
from penstock._src.serving.telemetry.store import Store
from penstock._src.serving.telemetry.traces import TracedApp
from penstock._src.serving.trust.access_log import AccessLog
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.folders import ReloadFolders
from penstock._src.serving.trust.keys import ApiKeys
from penstock._src.serving.trust.tls import GrpcContext, HttpsContext, SSLConfigFile
from penstock._src.util.process import collector
from penstock._src.util.process.ports import listening

# Seconds between checks for models that clients loaded in other processes, if the models' folders are not watched.
_RELOAD_SECONDS = 1.0
_LOG = logging.getLogger("penstock.serving")


def _stamp(path: str) -> Any:
    return stamp(path) if files.exists(path) else None


def check_files(options: Options) -> None:
    """Reads the files of keys and certificates.

    Raises:
      InvalidArgumentError: an option is invalid.
      OSError: one cannot be read.
    """
    if options.api_keys:
        ApiKeys(options.api_keys)
    if options.tls:
        HttpsContext(options.tls)
    if options.ssl_config_file:
        SSLConfigFile(options.ssl_config_file).read()


class Server:
    """Serves models, in one process.

    Args:
      options: what it serves, where, and its limits.
      store: the numbers of metrics, which may be those of several processes; None for its own.
      owns_process: whether the process does nothing else.
      shares_ports: whether other processes listen at its ports, too.

    Attributes:
      table: the versions that answer requests.
      manager: loads and unloads them.
      admission: counts requests.
      states: reads metrics of the moment into the store.
      rest: the application of the REST API, whose `routes` may be added to.
      rest_port: where REST is; -1 if it is not served, or not yet.
      grpc_services: handlers of gRPC's methods by services, which may be added to.
      grpc_port: where gRPC is; -1 if it is not served, or not yet.
      is_live: True while requests are answered.
    """

    def __init__(
        self,
        options: Options,
        store: Store | None = None,
        owns_process: bool = False,
        shares_ports: bool = False,
    ) -> None:
        self.options = options
        self._owns_process, self._shares_ports = owns_process, shares_ports
        store = Store() if store is None else store
        self.table = ModelTable()
        follows_links = "read_files" in options.allow
        # Collections of garbage that looked at the models held up requests.
        changed = collector.settle if owns_process else lambda: None
        self.manager = ModelManager(
            self.table,
            self._load,
            options.memory_budget,
            follows_links,
            changed,
            options.generation.room,
        )
        self.recorder = Recorder(store, self.manager.is_configured)
        self.scheduler = Scheduler(options.batch_threads, [self.recorder.batch])
        self.admission = Admission(options.limits)
        self.states = States(store, self.manager, self.admission)
        runner = Runner(options.limits, self.admission, options.timeout)
        self._texts = Texts(options.limits, self.admission)
        self._generate = GenerateRoutes(self.table, self.admission, self._texts)
        self._listing = Listing(self.table)
        self._openai = OpenAiRoutes(self.table, self._generate, self.recorder, self._listing)
        self._embeddings = EmbeddingRoutes(
            self.table, self.admission, self._texts, self.recorder, options.timeout
        )
        self._keys = ApiKeys(options.api_keys) if options.api_keys else None
        self._log = AccessLog(options.access_log) if options.access_log else None
        bodies = Bodies(options.limits.max_body_bytes, self.admission)
        self.rest = RestApp(self._routes(store, runner), bodies, self._keys, self._log)
        self.rest_port = self.grpc_port = -1
        self.is_live = self._is_complete = False
        self._first_names: list[str] = []
        self.grpc_services = self._services(runner)
        self._ended = threading.Event()

    def _routes(self, store: Store, runner: Runner) -> list[Route]:
        """The REST API. Requests of the page and of metrics are not counted in the metrics."""
        routes = [
            *ModelRoutes(self.manager, runner, self._texts, self._listing).routes(),
            *OpenInferenceRoutes(self.manager, runner, self._texts, lambda: self.is_ready).routes(),
            *self._generate.routes(),
            *self._openai.routes(),
            *self._embeddings.routes(),
        ]
        routes = counted(routes, self.recorder)
        metrics_path = self.options.metrics_path
        routes += PageRoutes(self.manager, store, self.states, metrics_path).routes()
        if metrics_path:
            routes.append(MetricsRoute(store, self.states).route(metrics_path))
        return routes

    def _services(self, runner: Runner) -> dict[str, dict[str, Handler]]:
        """The handlers of gRPC's methods, by services."""
        options = self.options
        folders = ReloadFolders(options.reload_root, [each.base_path for each in options.models])
        return services(
            PredictionService(self.table, runner),
            ModelService(self.manager, folders, options.reload_file),
            GenerationService(self.table, self.admission),
            OpenInferenceService(self.table, runner, lambda: self.is_ready),
            self.recorder,
            lambda: self.is_ready,
        )

    def _load(self, name: str, number: int, path: str) -> ModelVersion:
        options, recorder = self.options, self.recorder
        with timed(functools.partial(recorder.loaded, path)):
            servable = load(path, options.allow, options.generation.room)
        observers = [functools.partial(recorder.sequence, name)]
        version = ModelVersion(
            name, number, servable, self.scheduler, options.batching, options.generation, observers
        )
        if options.warms_up:
            with timed(functools.partial(recorder.warmed_up, path)):
                warm_up(version, options.limits.max_tensor_bytes)
        return version

    @property
    def is_ready(self) -> bool:
        """True while requests are answered, once each model that the server began with has had a version that answers.

        Models that are added later do not make a server that answers for others unready.
        """
        if self.is_live and not self._is_complete:
            waited = filter(self.manager.is_configured, self._first_names)
            self._is_complete = all(map(self.manager.is_available, waited))
        return self.is_live and self._is_complete

    def begin(self) -> None:
        """Loads the models; `rest` answers requests afterwards."""
        models = self._first_models()
        self._first_names = [each.name for each in models]
        if self._owns_process:
            with collector.paused(lasting=True):
                import_formats(each.base_path for each in models)
            collector.keep_modules()
        self.manager.configure(models)
        self._texts.prepare()
        if self.options.poll_seconds or self.options.reload_file:
            threading.Thread(target=self._poll, name="model-folders", daemon=True).start()
        self.is_live = True
        self._is_complete = self.is_ready  # whatever becomes of these models later

    def end(self) -> None:
        """Unload the models, once they are unused."""
        self.is_live = False
        self._close()

    async def serve(self, started: Callable[[], None] | None = None) -> None:
        """Runs until the task is cancelled; then finishes the requests in progress, and unloads the models.

        Args:
          started: called once requests are answered.
        """
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(loop.run_in_executor, None, self._close)  # the last
            await loop.run_in_executor(None, self.begin)
            await self._listen(stack)
            if started is not None:
                started()
            with contextlib.suppress(asyncio.CancelledError):
                await loop.create_future()
            self.is_live = False

    async def _listen(self, stack: contextlib.AsyncExitStack) -> None:
        """Answers REST and gRPC until the stack is closed."""
        options = self.options
        if options.rest_port >= 0:
            listener = listening(options.host, options.rest_port, self._shares_ports)
            self.rest_port = listener.getsockname()[1]
            https = HttpsContext(options.tls) if options.tls else None
            rest = http.serving(
                TracedApp(self.rest), listener, options.limits, options.drain_seconds, https
            )
            await stack.enter_async_context(rest)
        if options.grpc_port >= 0:
            listener = listening(options.host, options.grpc_port, self._shares_ports)
            self.grpc_port = listener.getsockname()[1]
            grpc = grpc_server.serving(
                self.grpc_services,
                listener,
                options.limits,
                options.drain_seconds,
                Gate(self._keys, self._log),
                self.admission,
                self._grpc_context(),
            )
            await stack.enter_async_context(grpc)

    def _grpc_context(self) -> GrpcContext | None:
        """The server's certificate for gRPC; None without TLS."""
        if self.options.ssl_config_file:
            return GrpcContext(SSLConfigFile(self.options.ssl_config_file))
        return GrpcContext(self.options.tls) if self.options.tls else None

    def _first_models(self) -> Sequence[ModelConfig]:
        """Return the models to serve first: those that clients had loaded in the process that this one replaces, if any."""
        path = self.options.reload_file
        return read_models(path) if path and files.exists(path) else self.options.models

    def _poll(self) -> None:
        options = self.options
        paths = filter(None, (options.model_config_file, options.reload_file))
        known = {path: _stamp(path) for path in paths}
        while not self._ended.wait(options.poll_seconds or _RELOAD_SECONDS):
            try:
                changed = [path for path in known if _stamp(path) != known[path]]
                if changed:
                    known[changed[0]] = _stamp(changed[0])
                    self.manager.configure(read_models(changed[0]))
                elif options.poll_seconds:
                    self.manager.update()
            except Exception as error:  # loaded models go on answering
                _LOG.error("Looking for models failed: %s", error)

    def _close(self) -> None:
        self._ended.set()
        self.manager.close()
        self.scheduler.close()
        self._texts.close()
        self._embeddings.close()
        self._openai.close()
        if self._log is not None:
            self._log.close()
