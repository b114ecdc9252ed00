"""The key of a maker of packs: Ed25519, in a file of its own as PKCS 8, and its public half in a file that users trust."""

import errno
import importlib
import os
from pathlib import Path
from typing import Any

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.native.cache.packs import trust
from penstock._src.util.process.installing import pip_install


def _cryptography() -> tuple[Any, Any]:
    """The modules of the cryptography package for files of keys, and for Ed25519."""
    try:
        return (
            importlib.import_module("cryptography.hazmat.primitives.serialization"),
            importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519"),
        )
    except ImportError:
        raise FailedPreconditionError(
            None, None, f"Signing packs needs the cryptography package: {pip_install('pack')}."
        ) from None


class Maker:
    """Signs packs.

    Args:
      path: the file of the secret key.

    Attributes:
      key: the public key.

    Raises:
      InvalidArgumentError: the file does not hold such a key, or others may read it.
      FailedPreconditionError: the cryptography package is missing.
      OSError: the file cannot be read.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        serialization, ed25519 = _cryptography()
        content = path.read_bytes()
        if trust.key_of(content.decode("ascii", "replace")) is not None:
            raise InvalidArgumentError(
                None, None, f"{path} is a public key. Packs are signed by the secret one beside it."
            )
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise InvalidArgumentError(
                None, None, f"{path}: other users have access to this secret key (chmod 600)."
            )
        try:
            self._secret = serialization.load_pem_private_key(content, None)
        except (ValueError, TypeError) as error:
            raise InvalidArgumentError(
                None, None, f"{path} is not a secret key: {error}"
            ) from error
        if not isinstance(self._secret, ed25519.Ed25519PrivateKey):
            raise InvalidArgumentError(None, None, f"{path} is not a key of Ed25519.")
        self.key: bytes = self._secret.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        signature: bytes = self._secret.sign(message)
        return signature


def new_key(path: Path | str) -> Path:
    """Makes a secret key in a file, and its public half in another with the suffix .pub; returns that.

    Args:
      path: of the secret key; it must not exist.

    Raises:
      FailedPreconditionError: the cryptography package is missing.
      OSError: a file exists, or cannot be written.
    """
    path = Path(path)
    public = path.with_name(path.name + trust.SUFFIX)
    if public.exists():  # before a secret key is left without it
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(public))
    serialization, ed25519 = _cryptography()
    secret = ed25519.Ed25519PrivateKey.generate()
    text = secret.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for place, content, mode in (
        (path, text, 0o600),
        (public, trust.key_text(secret.public_key().public_bytes_raw()).encode(), 0o644),
    ):  # fmt: skip
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return public
