"""The versions that answer requests, by names, numbers and labels."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping

from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.serving.models.version import ModelVersion


class ModelTable:
    """Loaded versions. Requests use them while others are added and removed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._versions: dict[str, dict[int, ModelVersion]] = {}
        self._labels: dict[str, Mapping[str, int]] = {}
        self._uses: dict[ModelVersion, int] = {}

    @contextlib.contextmanager
    def using(
        self, name: str, number: int | None = None, label: str | None = None
    ) -> Iterator[ModelVersion]:
        """Yield the version that a request names, the latest by default. It stays loaded within the block.

        Raises:
          NotFoundError: it is not loaded.
          InvalidArgumentError: the model has no such label.
        """
        with self._lock:
            version = self._find(name, number, label)
            self._uses[version] += 1
        try:
            yield version
        finally:
            with self._lock:
                self._uses[version] -= 1
                if not self._uses[version]:
                    self._idle.notify_all()

    def _find(self, name: str, number: int | None, label: str | None) -> ModelVersion:
        versions = self._versions.get(name)
        if label is not None:
            labels = self._labels.get(name, {})
            if versions and label not in labels:
                raise InvalidArgumentError(
                    f"Unrecognized servable version label: {label}. {name} has {sorted(labels)}."
                )
            number = labels.get(label)
        if versions:
            version = versions.get(max(versions) if number is None else number)
            if version is not None:
                return version
        which = f"Latest({name})" if number is None else f"Specific({name}, {number})"
        raise NotFoundError(f"Servable not found for request: {which}")

    def add(self, version: ModelVersion) -> None:
        """Publishes a version, which replaces one with its number; returns once that one is unused."""
        with self._lock:
            self._uses[version] = 0
            # Replaced rather than changed: readers may be going through it.
            versions = self._versions.get(version.name, {})
            self._versions[version.name] = {**versions, version.number: version}
        if version.number in versions:
            self._retire(versions[version.number])

    def remove(self, name: str, number: int) -> None:
        """Hides a version from requests, and returns once those that use it are done."""
        with self._lock:
            left = dict(self._versions[name])
            gone = left.pop(number)
            self._versions[name] = left
            if not left:
                del self._versions[name]
        self._retire(gone)

    def _retire(self, version: ModelVersion) -> None:
        """Closes a version that requests no longer find, once those that use it are done."""
        with self._lock:
            self._idle.wait_for(lambda: not self._uses[version])
            del self._uses[version]
        version.close()

    def uses(self, name: str, number: int) -> int:
        """Returns the number of requests that use a version."""
        with self._lock:
            return self._uses[self._find(name, number, None)]

    def set_labels(self, name: str, labels: Mapping[str, int]) -> None:
        """Sets the labels of a model's versions."""
        with self._lock:
            self._labels[name] = dict(labels)

    def loaded(self) -> dict[str, dict[int, ModelVersion]]:
        """Returns the versions by names of models and numbers."""
        with self._lock:
            return dict(self._versions)
