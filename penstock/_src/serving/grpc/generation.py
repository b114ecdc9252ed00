"""GenerationService: tokens that follow a prompt, as a stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.sampling import Sampling
from penstock._src.serving.generation.sequence import LoopWaker
from penstock._src.serving.grpc.prediction import using
from penstock._src.serving.inference.generating import Generating, GenerationRequest
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.protos.generation import GenerateResponse
from penstock._src.serving.trust.admission import Admission

# Sampling options whose default is not zero.
_OPTIONAL = ("temperature", "top_p", "repetition_penalty", "seed")


class GenerationService:
    """Answers calls of the service.

    Args:
      table: where versions are found.
      admission: counts the requests.
    """

    def __init__(self, table: ModelTable, admission: Admission) -> None:
        self._table, self._admission = table, admission
        self._waker: LoopWaker | None = None

    async def Generate(self, request: Any, context: Any) -> AsyncGenerator[Any, None]:
        """Generates the tokens that follow a prompt; a client that leaves ends the sequence.

        Raises:
          NotFoundError: the model is not loaded.
          InvalidArgumentError: it does not generate, or not what is asked for.
          UnavailableError: too many sequences wait.
        """
        if self._waker is None:
            self._waker = LoopWaker(asyncio.get_running_loop())
        asked = _request(request, context.time_remaining() or 0.0)
        admitted = self._admission.request(asked.size)
        with admitted, using(self._table, request.model_spec) as version:
            generating = Generating(version.generator, asked, self._waker)
            async with contextlib.aclosing(generating.pieces()) as pieces:
                async for piece in pieces:
                    yield GenerateResponse(
                        tokens=piece.tokens,
                        text=piece.text,
                        finish_reason=piece.finish_reason or "",
                        prompt_tokens=generating.prompt_tokens,
                    )


def _request(message: Any, timeout: float) -> GenerationRequest:
    kind = message.WhichOneof("prompt")
    if kind is None:
        raise InvalidArgumentError("The request has no prompt: text or tokens.")
    options = {name: getattr(message, name) for name in _OPTIONAL if message.HasField(name)}
    return GenerationRequest(
        prompt=message.text if kind == "text" else list(message.tokens.values),
        sampling=Sampling(
            top_k=message.top_k,
            min_p=message.min_p,
            presence_penalty=message.presence_penalty,
            frequency_penalty=message.frequency_penalty,
            logit_bias=dict(message.logit_bias),
            **options,
        ),
        max_tokens=message.max_tokens if message.HasField("max_tokens") else None,
        stop_tokens=tuple(message.stop_tokens),
        stops=tuple(message.stop),
        timeout=timeout,
    )
