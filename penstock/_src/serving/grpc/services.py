"""The services of the gRPC server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from penstock._src.serving.grpc.calls import parsed, streaming, unary
from penstock._src.serving.grpc.generation import GenerationService
from penstock._src.serving.grpc.health import Health
from penstock._src.serving.grpc.http2.handlers import Handler, Kind
from penstock._src.serving.grpc.metrics import counted, counted_stream
from penstock._src.serving.grpc.model_service import ModelService
from penstock._src.serving.grpc.open_inference import OpenInferenceService
from penstock._src.serving.grpc.prediction import PredictionService
from penstock._src.serving.grpc.reflection import Reflection
from penstock._src.serving.inference.predict_messages import PredictRequest
from penstock._src.serving.protos import apis
from penstock._src.serving.protos import grpc_services as names
from penstock._src.serving.telemetry.recorder import Recorder

_REFLECTION_SERVICE = "grpc.reflection.{}.ServerReflection"


def services(
    prediction: PredictionService,
    models: ModelService,
    generation: GenerationService,
    open_inference: OpenInferenceService,
    recorder: Recorder,
    is_ready: Callable[[], bool],
) -> dict[str, dict[str, Handler]]:
    """Returns handlers by services and methods."""
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
        "Watch": Handler(Kind.STREAM, watch),
    }
    for version, schema in names.REFLECTION.items():
        handlers[_REFLECTION_SERVICE.format(version)] = _reflecting(
            Reflection(schema, list(handlers))
        )
    return handlers


def _handlers(service: str, servicer: Any, recorder: Recorder) -> dict[str, Handler]:
    handlers: dict[str, Handler] = {}
    for name, (message, _) in names.METHODS[service].items():
        method = getattr(servicer, name)
        request = PredictRequest if message is apis.PredictRequest else message
        if name in names.STREAMED:
            handlers[name] = streaming(counted_stream(method, service, name, recorder), request)
        else:
            handlers[name] = unary(counted(method, service, name, recorder), request)
    return handlers


def _reflecting(reflection: Reflection) -> dict[str, Handler]:
    async def info(questions: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for data in questions:
            yield reflection.answer(parsed(data, reflection.request)).SerializeToString()

    return {"ServerReflectionInfo": Handler(Kind.DIALOG, info)}
