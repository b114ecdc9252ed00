"""Methods as they are counted and traced."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from typing import Any

from penstock._src.serving.grpc.calls import Method, StreamMethod
from penstock._src.serving.protos.grpc_services import (
    GENERATION_SERVICE,
    OPEN_INFERENCE_SERVICE,
    PREDICTION_SERVICE,
)
from penstock._src.serving.telemetry import traces
from penstock._src.serving.telemetry.recorder import Recorder
from penstock._src.serving.telemetry.streams import noted

# {(service, method): the name that it is counted by}
COUNTED = {
    (PREDICTION_SERVICE, "Predict"): "Predict",
    (PREDICTION_SERVICE, "Classify"): "Classify",
    (PREDICTION_SERVICE, "Regress"): "Regress",
    (PREDICTION_SERVICE, "MultiInference"): "MultiInference",
    (OPEN_INFERENCE_SERVICE, "ModelInfer"): "Predict",
    (GENERATION_SERVICE, "Generate"): "Generate",
}


def counted(method: Method, service: str, name: str, recorder: Recorder) -> Method:
    """Return a method with its calls recorded, if they are counted; with spans, if spans are recorded.

    Args:
      method: what answers.
      service: of the method.
      name: of the method.
      recorder: what counts.
    """
    api = COUNTED.get((service, name))
    if api is None:
        return method

    async def answer(request: Any, context: Any) -> Any:
        began = time.perf_counter()
        try:
            with _span(service, name, context):
                reply = await method(request, context)
        except BaseException as error:
            recorder.request(_model(request), api, "GRPC", began, error)
            raise
        recorder.request(_model(request), api, "GRPC", began, None)
        return reply

    return answer


def counted_stream(
    method: StreamMethod, service: str, name: str, recorder: Recorder
) -> StreamMethod:
    """The same of a method that gives a stream of replies; it is counted when the stream ends."""
    api = COUNTED[service, name]

    async def answer(request: Any, context: Any) -> AsyncGenerator[Any, None]:
        began = time.perf_counter()

        def note(error: BaseException | None) -> None:
            recorder.request(_model(request), api, "GRPC", began, error)

        with _span(service, name, context):
            async with contextlib.aclosing(noted(method(request, context), note)) as replies:
                async for reply in replies:
                    yield reply

    return answer


def _span(service: str, name: str, context: Any) -> AbstractContextManager[Any]:
    """Return the span of a call, if spans are recorded."""
    if not traces.is_on():
        return contextlib.nullcontext()
    attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
    return traces.server_span(f"{service}/{name}", context.invocation_metadata() or (), attributes)


def _model(request: Any) -> str:
    """The model named by a request; all tasks of a MultiInference name the same."""
    fields = request.DESCRIPTOR.fields_by_name
    if "model_name" in fields:
        return request.model_name
    if "model_spec" in fields:
        return request.model_spec.name
    return request.tasks[0].model_spec.name if request.tasks else ""
