"""The gRPC server: grpcio's, in a running event loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from penstock._src.serving.grpc.calls import parsed, streaming, unary
from penstock._src.serving.grpc.generation import GenerationService
from penstock._src.serving.grpc.health import Health
from penstock._src.serving.grpc.metrics import counted, counted_stream
from penstock._src.serving.grpc.model_service import ModelService
from penstock._src.serving.grpc.open_inference import OpenInferenceService
from penstock._src.serving.grpc.prediction import PredictionService
from penstock._src.serving.grpc.reflection import Reflection
from penstock._src.serving.protos import grpc_services as names
from penstock._src.serving.requirements import grpc
from penstock._src.serving.telemetry.recorder import Recorder
from penstock._src.serving.trust.limits import Limits

_REFLECTION_SERVICE = "grpc.reflection.{}.ServerReflection"
# Names of handlers, by the service.
Services = Mapping[str, Mapping[str, Any]]


def services(
    prediction: PredictionService,
    models: ModelService,
    generation: GenerationService,
    open_inference: OpenInferenceService,
    recorder: Recorder,
    is_ready: Callable[[], bool],
) -> dict[str, dict[str, Any]]:
    """Returns grpcio's handlers by services and methods."""
    servicers = {
        names.PREDICTION_SERVICE: prediction,
        names.MODEL_SERVICE: models,
        names.GENERATION_SERVICE: generation,
        names.OPEN_INFERENCE_SERVICE: open_inference,
    }
    handlers = {name: _handlers(name, servicer, recorder) for name, servicer in servicers.items()}
    health = Health(is_ready, list(handlers))
    check, _ = names.METHODS[names.HEALTH_SERVICE]["Check"]

    async def watch(data: bytes, context: Any) -> AsyncIterator[bytes]:
        async for state in health.watch(parsed(data, check)):
            yield state.SerializeToString()

    handlers[names.HEALTH_SERVICE] = {
        "Check": unary(health.Check, check),
        "Watch": grpc().unary_stream_rpc_method_handler(watch),
    }
    for version, schema in names.REFLECTION.items():
        handlers[_REFLECTION_SERVICE.format(version)] = _reflecting(
            Reflection(schema, list(handlers))
        )
    return handlers


def _handlers(service: str, servicer: Any, recorder: Recorder) -> dict[str, Any]:
    handlers = {}
    for name, (request, _) in names.METHODS[service].items():
        method = getattr(servicer, name)
        if name in names.STREAMED:
            handlers[name] = streaming(counted_stream(method, service, name, recorder), request)
        else:
            handlers[name] = unary(counted(method, service, name, recorder), request)
    return handlers


def _reflecting(reflection: Reflection) -> dict[str, Any]:
    async def info(questions: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for data in questions:
            yield reflection.answer(parsed(data, reflection.request)).SerializeToString()

    return {"ServerReflectionInfo": grpc().stream_stream_rpc_method_handler(info)}


@contextlib.asynccontextmanager
async def serving(
    handlers: Services,
    address: str,
    limits: Limits,
    drain_seconds: float,
    interceptors: Sequence[Any] = (),
    credentials: Any = None,
) -> AsyncIterator[int]:
    """Serves gRPC within the block, at the port that it yields; at its end it finishes the requests in progress.

    Args:
      handlers: by services and methods.
      address: host and port; port 0 is a free one.
      limits: of requests and clients.
      drain_seconds: that calls have to end.
      interceptors: grpcio's, for all calls.
      credentials: grpcio's, of the server; None: it speaks no TLS.

    Raises:
      OSError: it cannot listen there.
    """
    options: list[tuple[str, int]] = [
        ("grpc.max_receive_message_length", limits.max_body_bytes),
        ("grpc.max_send_message_length", -1),  # replies are as large as models make them
        ("grpc.so_reuseport", 1),
        ("grpc.server_handshake_timeout_ms", _milliseconds(limits.transfer_seconds)),
        ("grpc.max_connection_idle_ms", _milliseconds(limits.idle_seconds)),
        ("grpc.max_connection_age_ms", _milliseconds(limits.max_call_seconds)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(limits.max_call_seconds)),
        # Detects clients whose machine is gone.
        ("grpc.keepalive_time_ms", _milliseconds(limits.idle_seconds)),
        ("grpc.keepalive_timeout_ms", _milliseconds(limits.transfer_seconds)),
        ("grpc.max_concurrent_streams", limits.max_requests),
    ]
    server = grpc().aio.server(options=options, interceptors=list(interceptors))
    for service, methods in handlers.items():
        handler = grpc().method_handlers_generic_handler(service, methods)
        server.add_generic_rpc_handlers((handler,))
    try:
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(f"Cannot listen at {address}: {error}") from error
    await server.start()
    try:
        yield port
    finally:
        await server.stop(drain_seconds)


def _milliseconds(seconds: float) -> int:
    return int(min(seconds * 1000, 2**31 - 1))
