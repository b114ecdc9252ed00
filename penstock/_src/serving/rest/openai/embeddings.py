"""/v1/embeddings: vectors of texts, by a model that is an encoder."""

from __future__ import annotations

import asyncio
import base64
import functools
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penstock._src.core.errors import DeadlineExceededError, InvalidArgumentError
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.rest.app import Route
from penstock._src.serving.rest.metrics import counting
from penstock._src.serving.rest.openai.errors import in_form
from penstock._src.serving.rest.openai.requests import model_of
from penstock._src.serving.rest.parsing.fields import Fields, is_integers
from penstock._src.serving.rest.parsing.texts import Texts
from penstock._src.serving.rest.parsing.values import dumps
from penstock._src.serving.rest.replies import Reply
from penstock._src.serving.telemetry.recorder import Recorder
from penstock._src.serving.trust.admission import Admission
from penstock._src.util.lazy import ByName

if TYPE_CHECKING:
    from penstock._src.language.encoder import TextEncoder

# Imported by name, with all that language models need: for models that are encoders.
_BATCHES = ByName("penstock._src.language.encoder", "batches")

# Fields of a request, as in OpenAI's API.
MOST_TEXTS = 2048


class Asked(NamedTuple):
    """Parsed request.

    Args:
      model: its name.
      texts: or their tokens.
      is_packed: whether vectors are written as base64 of float32, or as lists.
      dimensions: of a vector; None for those that the model gives.
    """

    model: str
    texts: list[Any]
    is_packed: bool
    dimensions: int | None


class EmbeddingRoutes:
    """Answers with vectors of texts.

    Args:
      table: where versions are found.
      admission: counts the requests.
      texts: reads them.
      recorder: counts them for metrics.
      timeout: seconds after which a request is given up; 0 for never.
    """

    def __init__(
        self,
        table: ModelTable,
        admission: Admission,
        texts: Texts,
        recorder: Recorder,
        timeout: float,
    ) -> None:
        self._table, self._admission, self._texts = table, admission, texts
        self._recorder, self._timeout = recorder, timeout
        self._thread = ThreadPoolExecutor(1, "embeddings")

    def routes(self) -> list[Route]:
        """The routes."""
        handler = in_form(counting(self.embeddings, "Embed", self._recorder))
        return [Route("POST", re.compile("/v1/embeddings"), handler)]

    def close(self) -> None:
        """Computes nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def embeddings(self, groups: dict[str, Any], body: bytes) -> Reply:
        """Answers with a vector for each text."""
        end = time.monotonic() + self._timeout if self._timeout else np.inf
        asked = await self._texts.read(body, _asked)
        groups["name"] = asked.model  # requests are counted by it
        size = 8 * sum(map(len, asked.texts))
        with self._admission.request(size), self._table.using(asked.model) as version:
            encoder = version.encoder
            width = encoder.architecture.width
            if asked.dimensions not in (None, width):
                raise InvalidArgumentError(
                    f"'dimensions': expected {width}, as the model has. Received {asked.dimensions}."
                )
            tokens = await self._run(functools.partial(_tokens, encoder, asked.texts))
            vectors = np.empty([len(tokens), width], np.float32)
            for chosen in _BATCHES([len(each) for each in tokens]):
                if time.monotonic() > end:
                    raise DeadlineExceededError("The time of the request is over.")
                batch = [tokens[at] for at in chosen]
                vectors[chosen] = await self._run(functools.partial(encoder.encode_tokens, batch))
        return _reply(asked, vectors, sum(map(len, tokens)))

    async def _run(self, function: Any) -> Any:
        """Runs a function while the loop goes on; one batch of all requests at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def _asked(value: Any) -> Asked:
    fields = Fields(value)
    fields.only(("model", "input", "encoding_format", "dimensions", "user"))
    content = fields.get("input")
    texts = content if isinstance(content, list) and not is_integers(content) else [content]
    if not all(isinstance(each, str) or is_integers(each) for each in texts) or not texts:
        raise InvalidArgumentError(
            "'input': expected a text, a list of tokens, or a list of texts or of lists of tokens."
        )
    if len(texts) > MOST_TEXTS:
        raise InvalidArgumentError(
            f"'input': expected at most {MOST_TEXTS:,} texts. Received {len(texts):,}."
        )
    if not all(texts):
        raise InvalidArgumentError("'input': expected texts that are not empty.")
    form = fields.text("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise InvalidArgumentError(
            f"'encoding_format': expected 'float' or 'base64'. Received {form!r:.100}."
        )
    return Asked(model_of(fields), texts, form == "base64", fields.integer("dimensions"))


def _tokens(encoder: TextEncoder, texts: list[Any]) -> list[list[int]]:
    """Returns the tokens of texts.

    Raises:
      InvalidArgumentError: there are too many, or one that the model does not know.
    """
    known = range(encoder.architecture.vocabulary)
    token_lists = []
    for text in texts:
        tokens = encoder.tokenizer.encode(text) if isinstance(text, str) else text
        if not 1 <= len(tokens) <= encoder.length:
            raise InvalidArgumentError(
                f"'input': expected texts of 1 to {encoder.length} tokens. Received one of {len(tokens)}."
            )
        unknown = [token for token in tokens if token not in known]
        if unknown:
            raise InvalidArgumentError(
                f"'input': the model knows tokens from 0 to {len(known) - 1}. Received {unknown[0]}."
            )
        token_lists.append(tokens)
    return token_lists


def _reply(asked: Asked, vectors: np.ndarray, count: int) -> Reply:
    def written(vector: np.ndarray) -> Any:
        return (
            base64.b64encode(vector.astype("<f4").tobytes()).decode() if asked.is_packed else vector
        )

    data = [
        {"object": "embedding", "index": at, "embedding": written(vector)}
        for at, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    value = {"object": "list", "data": data, "model": asked.model, "usage": usage}
    return Reply(200, dumps(value, [vectors]))
