"""`tensorflow.python.saved_model.fingerprinting_utils`: fingerprints as messages."""

import dataclasses
from typing import Any

from penstock._src.proto.saved import FingerprintDef


def to_proto(fingerprint: Any) -> Any:
    """Returns the FingerprintDef of a fingerprint."""
    parts = {f.name: getattr(fingerprint, f.name) for f in dataclasses.fields(fingerprint)}
    return FingerprintDef(**{name: part for name, part in parts.items() if part is not None})
