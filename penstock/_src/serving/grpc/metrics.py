"""Methods as they are counted and traced."""

from __future__ import annotations

import time
from typing import Any

from penstock._src.serving.grpc.calls import Method
from penstock._src.serving.protos.grpc_services import OPEN_INFERENCE_SERVICE, PREDICTION_SERVICE
from penstock._src.serving.telemetry import traces
from penstock._src.serving.telemetry.recorder import Recorder

# {(service, method): the name that it is counted by}
COUNTED = {
    (PREDICTION_SERVICE, "Predict"): "Predict",
    (PREDICTION_SERVICE, "Classify"): "Classify",
    (PREDICTION_SERVICE, "Regress"): "Regress",
    (PREDICTION_SERVICE, "MultiInference"): "MultiInference",
    (OPEN_INFERENCE_SERVICE, "ModelInfer"): "Predict",
}


def counted(method: Method, service: str, name: str, recorder: Recorder) -> Method:
    """Returns a method whose calls are told to a recorder, if they are counted; and are spans, where somebody takes those.

    Args:
      method: what answers.
      service: of the method.
      name: of the method.
      recorder: what counts.
    """
    api = COUNTED.get((service, name))
    if api is None:
        return method

    async def traced(request: Any, context: Any) -> Any:
        if not traces.is_on():
            return await method(request, context)
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        metadata = context.invocation_metadata() or ()
        with traces.server_span(f"{service}/{name}", metadata, attributes):
            return await method(request, context)

    async def answer(request: Any, context: Any) -> Any:
        began = time.perf_counter()
        try:
            reply = await traced(request, context)
        except BaseException as error:
            recorder.request(_model(request), api, "GRPC", began, error)
            raise
        recorder.request(_model(request), api, "GRPC", began, None)
        return reply

    return answer


def _model(request: Any) -> str:
    """The model that a request asks for; the tasks of MultiInference ask for one."""
    fields = request.DESCRIPTOR.fields_by_name
    if "model_name" in fields:
        return request.model_name
    if "model_spec" in fields:
        return request.model_spec.name
    return request.tasks[0].model_spec.name if request.tasks else ""
