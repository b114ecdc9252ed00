"""Loads and unloads versions of models, according to their configurations and folders."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from penstock._src.core.errors import NotFoundError, ResourceExhaustedError
from penstock._src.serving.models import folders
from penstock._src.serving.models.config import ModelConfig, by_name
from penstock._src.serving.models.status import State, VersionStatus
from penstock._src.serving.models.table import ModelTable
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.servables.formats.table import size
from penstock._src.serving.servables.servable import ROOM, Room
from penstock._src.serving.trust.folders import check_links

_LOG = logging.getLogger("penstock.serving")

# Loads a version and makes it ready: of a model, a number and a path.
Loader = Callable[[str, int, str], ModelVersion]


class ModelManager:
    """Keeps a table of versions in line with the configurations.

    A new version is loaded and warmed up while the old ones answer requests; versions that are no longer configured are unloaded
    once a configured one answers. A version that does not load leaves the others as they are, and is tried again when its files have changed.

    Args:
      table: where requests find versions.
      load: loads a version.
      budget: bytes that all models may take together; 0 for no limit.
      follows_links: whether links in models may lead out of their folders.
      changed: called when versions have been loaded or unloaded.
      room: of the caches of language models.
    """

    def __init__(
        self,
        table: ModelTable,
        load: Loader,
        budget: int = 0,
        follows_links: bool = False,
        changed: Callable[[], None] = lambda: None,
        room: Room = ROOM,
    ) -> None:
        self.table, self._load, self._budget = table, load, budget
        self._follows_links, self._room = follows_links, room
        self._tell_changed, self._has_changed = changed, False
        self._configs: dict[str, ModelConfig] = {}
        self._status: dict[str, dict[int, VersionStatus]] = {}
        self._sizes: dict[tuple[str, int], int] = {}
        self._failed: dict[tuple[str, int], Any] = {}  # the stamps of files that did not load
        self._complaints: dict[str, str] = {}  # of folders that cannot be read, by model
        self._updating = threading.RLock()

    def configure(self, configs: Iterable[ModelConfig]) -> None:
        """Serves these models, and no others; returns once that is so.

        Raises:
          InvalidArgumentError: two models have the same name.
        """
        with self._updating:
            self._configs = by_name(configs)
            self._failed.clear()
            self.update()

    def add(self, config: ModelConfig) -> None:
        """Serves a further model, or one in another way; returns once it is loaded, or has failed to."""
        with self._updating:
            self._configs = {**self._configs, config.name: config}
            self._update(config)
            self._tell()

    def discard(self, config: ModelConfig) -> None:
        """Stop serving a model, unless another configuration of its name was added since; return once it is unused."""
        with self._updating:
            if self._configs.get(config.name) is config:
                del self._configs[config.name]
                self.update()

    def update(self) -> None:
        """Check the folders, and load and unload versions that have changed."""
        with self._updating:
            for name in [n for n in self._status if n not in self._configs]:
                self._unload(name, list(self._loaded(name)))
                del self._status[name]
            for config in self._configs.values():
                self._update(config)
            self._tell()

    def status(self, name: str, number: int | None = None) -> list[VersionStatus]:
        """Returns the states of a model's versions, the latest first.

        Raises:
          NotFoundError: there is no such model or version.
        """
        states = self._status.get(name)
        if states is None or (number is not None and number not in states):
            which = f"{name}" if number is None else f"{name}, version {number}"
            raise NotFoundError(f"Could not find any versions of model {which}")
        chosen = sorted(states) if number is None else [number]
        return [states[each] for each in reversed(chosen)]

    def statuses(self) -> dict[str, list[VersionStatus]]:
        """Returns the states of all models' versions, the latest first."""
        models = dict(self._status)
        return {
            name: [each[n] for n in sorted(each, reverse=True)] for name, each in models.items()
        }

    def is_configured(self, name: str) -> bool:
        """True if the configuration names this model."""
        return name in self._configs

    def configs(self) -> tuple[ModelConfig, ...]:
        """Returns the configurations of the models."""
        return tuple(self._configs.values())

    def is_available(self, name: str) -> bool:
        """True if some version of a model answers requests."""
        return bool(self._loaded(name))

    def close(self) -> None:
        """Unloads everything, once the requests that wait have been computed."""
        with self._updating:
            for name in list(self._status):
                self._unload(name, list(self._loaded(name)))

    def _tell(self) -> None:
        if self._has_changed:
            self._has_changed = False
            self._tell_changed()

    def _loaded(self, name: str) -> Mapping[int, ModelVersion]:
        return self.table.loaded().get(name, {})

    def _update(self, config: ModelConfig) -> None:
        self._status.setdefault(config.name, {})
        self.table.set_labels(config.name, config.labels)
        try:
            available = folders.versions(config.base_path)
        except (NotFoundError, OSError) as error:  # loaded versions stay
            self._complain(config.name, logging.ERROR, str(error))
            return
        if available:
            self._complaints.pop(config.name, None)
        else:
            self._complain(
                config.name,
                logging.WARNING,
                f"{config.base_path} is not a model, and has no version yet: a folder named by a number",
            )
        wanted = config.policy.chosen(available)
        loaded = self._loaded(config.name)
        for number in wanted:
            # A model may have been configured at another path.
            if number not in loaded or loaded[number].servable.path != available[number]:
                self._add(config, number, available[number])
        loaded = self._loaded(config.name)
        if not wanted or any(number in loaded for number in wanted):
            self._unload(config.name, [number for number in loaded if number not in wanted])

    def _complain(self, name: str, level: int, complaint: str) -> None:
        """Logs once what stays so: folders are looked at every second."""
        if self._complaints.get(name) != complaint:
            _LOG.log(level, "%s: %s", name, complaint)
        self._complaints[name] = complaint

    def _add(self, config: ModelConfig, number: int, path: str) -> None:
        """Loads a version, unless its files failed to load before."""
        name = config.name
        stamp = folders.stamp(path)
        if self._failed.get((name, number)) == stamp:
            return
        self._set(name, number, State.LOADING)
        try:
            if not self._follows_links:
                check_links(path, config.base_path)
            self._reserve(name, number, path)
            self.table.add(self._load(name, number, path))
        except Exception as error:  # whatever the files hold
            self._sizes.pop((name, number), None)
            self._failed[name, number] = stamp
            self._set(name, number, State.END, error)
            _LOG.error("%s, version %d, did not load: %s", name, number, error)
            return
        self._failed.pop((name, number), None)
        self._set(name, number, State.AVAILABLE)
        _LOG.info("%s, version %d, is loaded from %s", name, number, path)

    def _reserve(self, name: str, number: int, path: str) -> None:
        need, used = size(path, self._room), sum(self._sizes.values())
        if self._budget and used + need > self._budget:
            raise ResourceExhaustedError(
                f"{name}, version {number}, takes {need:,} bytes. The models that are loaded take {used:,} of the "
                f"{self._budget:,} that the memory budget allows."
            )
        self._sizes[name, number] = need
        _LOG.info("%s, version %d, will take %d bytes", name, number, need)

    def _unload(self, name: str, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._set(name, number, State.UNLOADING)
            self.table.remove(name, number)
            del self._sizes[name, number]
            self._set(name, number, State.END)
            _LOG.info("%s, version %d, is unloaded", name, number)

    def _set(self, name: str, number: int, state: State, error: Exception | None = None) -> None:
        states = self._status[name]
        self._has_changed |= state in (State.AVAILABLE, State.END)
        self._status[name] = {**states, number: VersionStatus(number, state, error)}
