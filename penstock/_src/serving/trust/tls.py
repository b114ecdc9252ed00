"""Certificates: the server's own, and those that clients must have."""

from __future__ import annotations

import logging
import ssl
import tempfile
from typing import Any

from google.protobuf import text_format

from penstock._src.core.errors import InvalidArgumentError, OpError
from penstock._src.filesystems import files
from penstock._src.serving.protos.config import SSLConfig
from penstock._src.serving.trust.changes import stamp_of
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export

_LOG = logging.getLogger("penstock.serving")


@dataclass(frozen=True)
class Pems:
    """Certificates and a key, as PEM.

    Args:
      key: the server's private key.
      certificate: the server's, and those that signed it.
      client_authority: who signs clients' certificates; empty if clients need none.
    """

    key: bytes
    certificate: bytes
    client_authority: bytes = b""


@export("serving.TLS", v1=[])
@dataclass(frozen=True)
class TLS:
    """PEM files of a TLS server. They are read again when they change.

    Args:
      certificate: the server's certificate, then those that signed it.
      key: its private key.
      client_authority: a certificate; clients must have one that it signed. Empty: they need none.
    """

    certificate: str
    key: str
    client_authority: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files."""
        return tuple(filter(None, (self.certificate, self.key, self.client_authority)))

    def read(self) -> Pems:
        """Reads the files.

        Returns:
          The PEM texts of key, certificate and authority.
        """
        authority = files.read(self.client_authority) if self.client_authority else b""
        return Pems(files.read(self.key), files.read(self.certificate), authority)


@dataclass(frozen=True)
class SSLConfigFile:
    """TensorFlow Serving's `--ssl_config_file`, a text proto with PEM in it.

    Args:
      path: of the file.
    """

    path: str

    @property
    def paths(self) -> tuple[str, ...]:
        """The file."""
        return (self.path,)

    def read(self) -> Pems:
        """Reads the file.

        Raises:
          InvalidArgumentError: it is not one, or asks for clients' certificates without saying who signs them.
        """
        try:
            message = text_format.Parse(files.read(self.path).decode(), SSLConfig())
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(f"{self.path}: no SSLConfig text: {error}.") from error
        if message.client_verify and not message.custom_ca:
            raise InvalidArgumentError(f"{self.path}: client_verify needs custom_ca.")
        authority = message.custom_ca if message.client_verify else ""
        return Pems(message.server_key.encode(), message.server_cert.encode(), authority.encode())


class HttpsContext:
    """TLS context of an HTTPS server.

    Args:
      tls: the files.

    Attributes:
      context: for the event loop's server.

    Raises:
      InvalidArgumentError: the files are not PEM, or do not belong together.
      NotFoundError: one is missing.
      OSError: they cannot be read.
    """

    def __init__(self, tls: TLS) -> None:
        self._tls, self._stamps = tls, _stamps(tls)
        self.context = _context(tls)

    def refresh(self) -> None:
        """Reads certificate and key again if they have changed; new connections get them. Files that do not serve change nothing."""
        stamps = _stamps(self._tls)
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            _context(self._tls)  # half a change would be worse than none
            self.context.load_cert_chain(self._tls.certificate, self._tls.key)
        except (OpError, OSError) as error:
            _LOG.error("The certificate stays as it is: %s", error)


class GrpcContext:
    """TLS context of a gRPC server. Each connection reads the files again if they have changed.

    Args:
      source: the files.

    Attributes:
      context: for the event loop's server.

    Raises:
      InvalidArgumentError: a file is not PEM, or they do not belong together.
      NotFoundError: one is missing.
      OSError: they cannot be read.
    """

    def __init__(self, source: TLS | SSLConfigFile) -> None:
        self._source, self._stamps = source, _stamps(source)
        self.context = self._current = _grpc_context(source)
        # TLS calls it for each connection before it chooses the certificate, whether the client names a server or not.
        self.context.sni_callback = self._choose

    def _choose(self, connection: Any, name: str | None, context: ssl.SSLContext) -> None:
        stamps = _stamps(self._source)
        if stamps != self._stamps:
            self._stamps = stamps
            try:
                self._current = _grpc_context(self._source)
            except (OpError, OSError) as error:
                _LOG.error("The certificate stays as it is: %s", error)
        connection.context = self._current


def _context(tls: TLS) -> ssl.SSLContext:
    tls.read()  # the ssl module does not name a missing file
    context = _new_context("http/1.1")
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_authority:
            context.load_verify_locations(tls.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
    except ssl.SSLError as error:
        raise _unfit(tls, error) from error
    return context


def _grpc_context(source: TLS | SSLConfigFile) -> ssl.SSLContext:
    pems = source.read()
    for name, value in (("key", pems.key), ("certificate", pems.certificate)):
        if b"-----BEGIN " not in value:
            raise InvalidArgumentError(f"{', '.join(source.paths)}: the {name} is not PEM.")
    context = _new_context("h2")
    try:
        # The ssl module reads certificates and keys from files only; no other user may read this one.
        with tempfile.NamedTemporaryFile() as file:
            file.write(pems.key + b"\n" + pems.certificate)
            file.flush()
            context.load_cert_chain(file.name)
        if pems.client_authority:
            context.load_verify_locations(cadata=pems.client_authority.decode())
            context.verify_mode = ssl.CERT_REQUIRED
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise _unfit(source, error) from error
    return context


def _new_context(protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([protocol])
    return context


def _unfit(source: TLS | SSLConfigFile, error: Exception) -> Exception:
    return InvalidArgumentError(
        f"{', '.join(source.paths)}: no certificate and key in PEM that belong together: {error}."
    )


def _stamps(source: TLS | SSLConfigFile) -> list[Any]:
    return [stamp_of(path) for path in source.paths]
