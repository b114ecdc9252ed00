"""Sends REST's calls: urllib3 from threads, aiohttp from an event loop; both keep connections."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any

from penstock._src.core import errors
from penstock._src.serving.client.address import Address
from penstock._src.serving.client.protocols.base import Answer, Call
from penstock._src.serving.client.retries import Failure
from penstock._src.serving.requirements import aiohttp, urllib3

# Connections that a client keeps.
_CONNECTIONS = 64
_JSON = {"Content-Type": "application/json"}
_RETRY_AFTER = "retry-after"
# TensorFlow's codes of HTTP's statuses.
_CODES = {
    400: errors.INVALID_ARGUMENT,
    401: errors.UNAUTHENTICATED,
    403: errors.PERMISSION_DENIED,
    404: errors.NOT_FOUND,
    408: errors.DEADLINE_EXCEEDED,
    409: errors.ABORTED,
    413: errors.RESOURCE_EXHAUSTED,
    429: errors.RESOURCE_EXHAUSTED,
    499: errors.CANCELLED,
    500: errors.INTERNAL,
    501: errors.UNIMPLEMENTED,
    502: errors.UNAVAILABLE,
    503: errors.UNAVAILABLE,
    504: errors.DEADLINE_EXCEEDED,
}


class Threads:
    """Sends calls from threads.

    Args:
      address: of the server.
      secured: how connections are encrypted; None if they are not.
    """

    def __init__(self, address: Address, secured: ssl.SSLContext | None) -> None:
        more = {} if secured is None else {"ssl_context": secured}
        self._pool = urllib3().PoolManager(maxsize=_CONNECTIONS, retries=False, **more)
        self._address = address

    def send(self, call: Call, seconds: float, headers: Mapping[str, str]) -> Answer:
        """Returns the answer to a call.

        Raises:
          Failure: there is none, or it is an error.
        """
        method = "GET" if call.body is None else "POST"
        try:
            reply = self._pool.request(
                method,
                _url(self._address, call),
                body=call.body,
                headers={**headers, **_JSON} if call.body is not None else headers,
                timeout=urllib3().Timeout(total=seconds),
                redirect=False,
            )
        except urllib3().exceptions.NewConnectionError as error:
            raise _unanswered(self._address, error, False) from error
        except urllib3().exceptions.TimeoutError as error:
            raise _timed_out(self._address) from error
        except urllib3().exceptions.HTTPError as error:
            raise _unanswered(self._address, error, True) from error
        return _checked(self._address, reply.status, reply.headers, reply.data)

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()


class Loop:
    """Sends calls from an event loop.

    Args:
      address: of the server.
      secured: how connections are encrypted; None if they are not.
    """

    def __init__(self, address: Address, secured: ssl.SSLContext | None) -> None:
        self._address, self._secured = address, secured
        self._session: Any = None

    async def send(self, call: Call, seconds: float, headers: Mapping[str, str]) -> Answer:
        """Returns the answer to a call.

        Raises:
          Failure: there is none, or it is an error.
        """
        method = "GET" if call.body is None else "POST"
        try:
            async with self._opened().request(
                method,
                _url(self._address, call),
                data=call.body,
                headers={**headers, **_JSON} if call.body is not None else headers,
                timeout=aiohttp().ClientTimeout(total=seconds),
                allow_redirects=False,
            ) as reply:
                body = await reply.read()
        except TimeoutError as error:
            raise _timed_out(self._address) from error
        except aiohttp().ClientConnectorError as error:
            raise _unanswered(self._address, error, False) from error
        except aiohttp().ClientError as error:
            raise _unanswered(self._address, error, True) from error
        return _checked(self._address, reply.status, reply.headers, body)

    def _opened(self) -> Any:
        """The session, which belongs to the event loop of the first call."""
        if self._session is None:
            ssl_or_default = True if self._secured is None else self._secured
            connector = aiohttp().TCPConnector(limit=_CONNECTIONS, ssl=ssl_or_default)
            self._session = aiohttp().ClientSession(connector=connector)
        return self._session

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()


def _url(address: Address, call: Call) -> str:
    return f"{address.scheme}://{address.place}{call.target}"


def _timed_out(address: Address) -> Failure:
    return Failure(errors.DeadlineExceededError(f"{address.place} did not answer in time."))


def _unanswered(address: Address, error: Exception, was_sent: bool) -> Failure:
    text = f"{address.place} did not answer: {error}"
    return Failure(errors.UnavailableError(text), is_passing=True, may_have_run=was_sent)


def _checked(address: Address, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Return an answer, or raise the error that it reports."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if status == 200:
        return Answer(body, lowered)
    code = _CODES.get(status, errors.UNKNOWN)
    text = _message(body) or f"{address.place} answered with the HTTP status {status}."
    error = errors.exception_type_from_error_code(code)(text)
    wait = lowered.get(_RETRY_AFTER, "")
    # A body that is too large is refused by 429 too; only a retryable reply has a delay.
    is_busy = status == 503 or (status == 429 and wait.isdecimal())
    is_broken = status == 502  # a proxy's server did not answer
    raise Failure(error, is_busy or is_broken, is_broken, float(wait) if wait.isdecimal() else 0.0)


def _message(body: bytes) -> str:
    """The text of an error in TensorFlow Serving's form; empty for another form."""
    try:
        reply = json.loads(body)
    except ValueError:
        return ""
    text = reply.get("error") if isinstance(reply, dict) else None
    return text if isinstance(text, str) else ""
