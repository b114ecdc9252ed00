"""API keys: the clients that may use the server.

The file has a line for each key: a name, and the SHA-256 of the key in hexadecimal digits. Keys cannot be derived from the file: they
are random and too long to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Iterable, Mapping

from penstock._src.core.errors import InvalidArgumentError, OpError, UnauthenticatedError
from penstock._src.filesystems import files
from penstock._src.serving.trust.changes import Stamp, stamp_of

_LOG = logging.getLogger("penstock.serving")
_LINE = re.compile(r"(\S+)\s+([0-9a-fA-F]{64})")
# Seconds between looks at the file.
_INTERVAL = 1.0
# Headers of HTTP, keys of gRPC's metadata.
_BEARER, _PLAIN = "authorization", "x-api-key"


class ApiKeys:
    """The keys of a file, which is read again when it changes.

    Args:
      path: of the file.

    Raises:
      InvalidArgumentError: the file is not one of keys.
      NotFoundError: there is none.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp = stamp_of(path)
        self._names = parse(path, files.read(path))
        self._looked = time.monotonic()

    def name_of(self, headers: Iterable[tuple[str | bytes, str | bytes]]) -> str:
        """Returns the name of the key in a request's headers, `authorization: Bearer KEY` or `x-api-key: KEY`.

        Raises:
          UnauthenticatedError: they have no key, or one that is not known.
        """
        self._read_again()
        key = _key_in(headers)
        if key is None:
            raise UnauthenticatedError(
                f"The request has no API key. Expected the header '{_BEARER}: Bearer KEY' or '{_PLAIN}: KEY'."
            )
        digest, name_found = hashlib.sha256(key).digest(), ""
        # Compares all of them, so that the time reveals nothing about the key.
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                name_found = name
        if not name_found:
            raise UnauthenticatedError("The API key is not known.")
        return name_found

    def _read_again(self) -> None:
        """Reads the file if it has changed; one that cannot be read leaves the keys as they are."""
        now = time.monotonic()
        if now - self._looked < _INTERVAL:
            return
        self._looked = now
        stamp: Stamp = None
        try:
            stamp = stamp_of(self._path)
            if stamp == self._stamp:
                return
            self._names = parse(self._path, files.read(self._path))
            _LOG.info("%s: %d API keys", self._path, len(self._names))
        except (OpError, OSError) as error:
            if stamp != self._stamp:
                _LOG.error("The API keys stay as they are: %s", error)
        self._stamp = stamp


def parse(path: str, data: bytes) -> Mapping[bytes, str]:
    """Returns names of keys by their SHA-256.

    Args:
      path: of the file, for messages.
      data: its content; empty lines and those that begin with # are left out.

    Raises:
      InvalidArgumentError: a line is not a key, or there are no keys.
    """
    names: dict[bytes, str] = {}
    for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise InvalidArgumentError(
                f"{path}, line {number}: expected a name and the 64 hexadecimal digits of the key's SHA-256."
            )
        names[bytes.fromhex(match[2])] = match[1]
    if not names:
        raise InvalidArgumentError(f"{path}: there are no API keys.")
    return names


def _key_in(headers: Iterable[tuple[str | bytes, str | bytes]]) -> bytes | None:
    for name, value in headers:
        name = name.decode("latin-1") if isinstance(name, bytes) else name
        if name not in (_BEARER, _PLAIN):
            continue
        text = value.encode() if isinstance(value, str) else value
        if name == _PLAIN:
            return text.strip()
        scheme, _, key = text.strip().partition(b" ")
        if scheme.lower() == b"bearer":
            return key.strip()
    return None
