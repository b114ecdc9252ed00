"""Options of a server: models, ports, limits."""

from __future__ import annotations

from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.models.config import METRICS_PATH, ModelConfig
from penstock._src.serving.trust.limits import Limits
from penstock._src.serving.trust.tls import TLS
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export


@export("serving.Options", v1=[])
@dataclass(frozen=True)
class Options:
    """Options of a server.

    Args:
      models: what it serves.
      host: the address that it listens at.
      rest_port: of HTTP; 0 for a free one, -1 for none.
      grpc_port: of gRPC; 0 for a free one, -1 for none.
      batching: limits of batches and queues.
      batch_threads: batches of different models that run at a time.
      timeout: seconds after which a request is given up; 0 for never.
      limits: of requests and clients.
      tls: certificates, if clients are to speak TLS.
      ssl_config_file: TensorFlow Serving's file of certificates for gRPC, instead of `tls`.
      reload_root: a folder; clients may ask for models in it by HandleReloadConfigRequest. Empty: for those beside `models`.
      api_keys: a file of API keys; each request needs one of them. See docs/serving.md.
      access_log: a file that a line of JSON is added to for each request; "-" is the standard output.
      poll_seconds: between looks at the models' folders and the configuration file; 0: they are looked at once.
      model_config_file: where the models come from, if that is a file; it is read again when it changes.
      memory_budget: bytes that all models may take; 0 for no limit.
      allow: permissions of models beyond computing; see tf.saved_model.experimental.allow.
      workers: processes.
      metrics_path: of REST, at which Prometheus finds the metrics; "" for none.
      generation: options of models that generate tokens.
      reload_file: by which worker processes tell each other what a client had loaded; the supervisor's.
      warms_up: whether versions are run before they answer requests.
      drain_seconds: that requests have to end after SIGTERM.
    """

    models: tuple[ModelConfig, ...]
    host: str = "127.0.0.1"
    rest_port: int = 8501
    grpc_port: int = 8500
    batching: BatchingParameters = BatchingParameters()
    batch_threads: int = 2
    timeout: float = 30.0
    limits: Limits = Limits()
    tls: TLS | None = None
    ssl_config_file: str = ""
    reload_root: str = ""
    api_keys: str = ""
    access_log: str = ""
    poll_seconds: float = 1.0
    model_config_file: str = ""
    memory_budget: int = 0
    allow: tuple[str, ...] = ()
    workers: int = 1
    metrics_path: str = METRICS_PATH
    generation: GenerationOptions = GenerationOptions()
    reload_file: str = ""
    warms_up: bool = True
    drain_seconds: float = 30.0
