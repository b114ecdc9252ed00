"""Messages that describe a model: the states of its versions, and its signatures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock._src.serving.models.status import VersionStatus
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.protos import apis

# The only kind of metadata there is.
SIGNATURES = "signature_def"


def status_of(statuses: Iterable[VersionStatus]) -> Any:
    """Returns the states of versions as a `GetModelStatusResponse`."""
    message = apis.GetModelStatusResponse()
    for status in statuses:
        entry = message.model_version_status.add(version=status.number, state=status.state.value)
        entry.status.error_code = status.error_code
        entry.status.error_message = "" if status.error is None else str(status.error)
    return message


def metadata_of(version: ModelVersion) -> Any:
    """Returns the signatures of a version as a `GetModelMetadataResponse`."""
    message = apis.GetModelMetadataResponse()
    message.model_spec.name = version.name
    message.model_spec.version.value = version.number
    message.metadata[SIGNATURES].Pack(signatures_of(version))
    return message


def signatures_of(version: ModelVersion) -> Any:
    """Returns the signatures of a version as a `SignatureDefMap`."""
    message = apis.SignatureDefMap()
    for name, definition in version.servable.signature_defs.items():
        message.signature_def[name].CopyFrom(definition)
    return message
