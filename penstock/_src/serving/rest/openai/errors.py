"""Errors in OpenAI's form."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from penstock._src.core.errors import OpError
from penstock._src.serving.rest.app import Handler
from penstock._src.serving.rest.replies import STATUS, Reply, Stream, json_reply
from penstock._src.serving.trust.messages import message_of

_NOT_FOUND = 404


def in_form(handler: Handler) -> Handler:
    """Return a handler that reports errors in OpenAI's form."""

    @functools.wraps(handler)
    async def answer(groups: Mapping[str, Any], body: bytes) -> Reply | Stream:
        try:
            return await handler(groups, body)
        except OpError as error:
            status = STATUS.get(error.error_code, 500)
            kind = "invalid_request_error" if status < 500 else "server_error"
            # These paths find nothing else.
            code = "model_not_found" if status == _NOT_FOUND else None
            about = {"message": message_of(error), "type": kind, "param": None, "code": code}
            return json_reply({"error": about}, status)

    return answer
