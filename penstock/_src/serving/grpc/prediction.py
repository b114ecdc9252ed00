"""PredictionService: Predict, Classify, Regress, MultiInference, GetModelMetadata."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.saving.saved_model.constants import (
    CLASSIFY_METHOD_NAME,
    DEFAULT_SERVING_SIGNATURE_DEF_KEY,
    REGRESS_METHOD_NAME,
)
from penstock._src.serving.inference import examples, messages
from penstock._src.serving.inference.predict_messages import PredictResponse
from penstock._src.serving.inference.running import Runner
from penstock._src.serving.inference.tensor_protos import array_of, fill
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.protos import apis
from penstock._src.serving.servables.servable import Signature


class PredictionService:
    """Answers calls of the service.

    Args:
      table: where versions are found.
      runner: runs their functions.
    """

    def __init__(self, table: ModelTable, runner: Runner) -> None:
        self._table, self._runner = table, runner

    async def Predict(self, request: Any, context: Any) -> Any:
        """Runs a function of tensors."""
        spec = request.model_spec
        with using(self._table, spec) as version:
            queue = version.queue(spec.signature_name)
            inputs = self._inputs(request, queue.signature)
            outputs = await self._runner.run(queue, inputs, context.time_remaining())
        reply = PredictResponse(apis.PredictResponse())
        _set_spec(reply.message.model_spec, version, spec)
        wanted = request.output_filter or outputs
        types = queue.signature.outputs
        for name in dict.fromkeys(wanted):
            if name not in outputs:
                raise InvalidArgumentError(
                    f"output tensor alias not found in signature: {name} Outputs expected to be in the set {sorted(outputs)}."
                )
            if not reply.add(name, outputs[name], types[name].dtype):
                fill(reply.message.outputs[name], outputs[name], types[name].dtype)
        return reply

    def _inputs(self, request: Any, signature: Signature) -> dict[str, np.ndarray]:
        infos = signature.inputs
        unknown = sorted(name for name in request.inputs if name not in infos)
        if unknown:
            raise InvalidArgumentError(
                f"input tensor alias not found in signature: {unknown[0]}. Inputs expected to be in the set {sorted(infos)}."
            )
        limit = self._runner.limits.max_tensor_bytes
        return {
            name: array_of(proto, infos[name], name, limit, request.contents.get(name))
            for name, proto in request.inputs.items()
        }

    async def Classify(self, request: Any, context: Any) -> Any:
        """Runs a function of examples to classes."""
        reply = apis.ClassificationResponse()
        await self._classify(request.model_spec, request.input, reply, context)
        return reply

    async def Regress(self, request: Any, context: Any) -> Any:
        """Runs a function of examples to numbers."""
        reply = apis.RegressionResponse()
        await self._regress(request.model_spec, request.input, reply, context)
        return reply

    async def MultiInference(self, request: Any, context: Any) -> Any:
        """Runs several functions of one model on the same examples."""
        reply = apis.MultiInferenceResponse()
        names = {task.model_spec.name for task in request.tasks}
        if len(names) != 1:
            raise InvalidArgumentError(
                f"All ModelSpecs in a MultiInferenceRequest must access the same model name. Received {sorted(names)}."
            )
        for task in request.tasks:
            result = reply.results.add()
            if task.method_name == CLASSIFY_METHOD_NAME:
                part = apis.ClassificationResponse()
                await self._classify(task.model_spec, request.input, part, context)
                result.classification_result.CopyFrom(part.result)
            elif task.method_name == REGRESS_METHOD_NAME:
                part = apis.RegressionResponse()
                await self._regress(task.model_spec, request.input, part, context)
                result.regression_result.CopyFrom(part.result)
            else:
                raise InvalidArgumentError(
                    f"Unrecognized signature method_name: {task.method_name}. Expected {CLASSIFY_METHOD_NAME} or {REGRESS_METHOD_NAME}."
                )
            result.model_spec.CopyFrom(part.model_spec)
        return reply

    async def GetModelMetadata(self, request: Any, context: Any) -> Any:
        """Return the signatures of a model."""
        if list(request.metadata_field) != [messages.SIGNATURES]:
            raise InvalidArgumentError(
                f"Metadata field must be '{messages.SIGNATURES}'. Received {list(request.metadata_field)}."
            )
        with using(self._table, request.model_spec) as version:
            return messages.metadata_of(version)

    async def _classify(self, spec: Any, message: Any, reply: Any, context: Any) -> None:
        outputs, count = await self._of_examples(
            spec, message, CLASSIFY_METHOD_NAME, reply, context
        )
        for classes in examples.classifications(outputs, count):
            entry = reply.result.classifications.add()
            for label, score in classes:
                entry.classes.add(label=label, score=score)

    async def _regress(self, spec: Any, message: Any, reply: Any, context: Any) -> None:
        outputs, count = await self._of_examples(spec, message, REGRESS_METHOD_NAME, reply, context)
        for value in examples.regressions(outputs, count):
            reply.result.regressions.add(value=value)

    async def _of_examples(
        self, spec: Any, message: Any, method_name: str, reply: Any, context: Any
    ) -> tuple[dict[str, Any], int]:
        """The outputs for the examples of an `Input` message, and the number of examples."""
        listed = examples.serialized(message)
        with using(self._table, spec) as version:
            queue = version.queue(spec.signature_name)
            inputs = examples.argument(queue.signature, method_name, listed)
            outputs = await self._runner.run(queue, inputs, context.time_remaining())
        _set_spec(reply.model_spec, version, spec)
        return outputs, len(listed)


def _set_spec(spec: Any, version: ModelVersion, asked: Any) -> None:
    """Record the function and version that answered."""
    spec.name, spec.version.value = version.name, version.number
    spec.signature_name = asked.signature_name or DEFAULT_SERVING_SIGNATURE_DEF_KEY


def using(table: ModelTable, spec: Any) -> AbstractContextManager[ModelVersion]:
    """Yield the version that a ModelSpec names.

    Raises:
      InvalidArgumentError: it names no model.
    """
    if not spec.name:
        raise InvalidArgumentError("Missing ModelSpec: it must have the name of a model.")
    choice = spec.WhichOneof("version_choice")
    return table.using(
        spec.name,
        spec.version.value if choice == "version" else None,
        spec.version_label if choice == "version_label" else None,
    )
