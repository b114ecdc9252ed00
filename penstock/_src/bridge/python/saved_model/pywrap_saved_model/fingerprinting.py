"""`tensorflow.python.saved_model.pywrap_saved_model.fingerprinting`: fingerprints as messages."""

import os

from penstock._src.filesystems.files import exists, read
from penstock._src.saving.saved_model import constants


class FingerprintException(Exception):
    """A fingerprint cannot be made or read."""


class FileNotFoundException(Exception):
    """A SavedModel has no fingerprint."""


def ReadSavedModelFingerprint(export_dir: str) -> bytes:
    """Returns the fingerprint of a SavedModel as the bytes of its message.

    Raises:
      FileNotFoundException: it has none.
    """
    path = os.path.join(export_dir, constants.FINGERPRINT_FILENAME)
    if not exists(path):
        raise FileNotFoundException(f"SavedModel Fingerprint Error: {path} does not exist.")
    return read(path)
