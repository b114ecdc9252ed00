"""Allowed folders of models: those that clients may load from, and targets that links in a model's files may have."""

from __future__ import annotations

import os
from collections.abc import Iterable

from penstock._src.core.calls.consent import is_inside, without_scheme
from penstock._src.core.errors import PermissionDeniedError


class ReloadFolders:
    """The folders of models that clients may ask for by HandleReloadConfigRequest.

    Args:
      root: such a folder; "" for those that the models of the start are in.
      base_paths: of those models.
    """

    def __init__(self, root: str, base_paths: Iterable[str]) -> None:
        self._paths = [root] if root else list(filter(None, map(_beside, base_paths)))

    def check(self, name: str, path: str) -> None:
        """Raises PermissionDeniedError if a model is somewhere else."""
        if ".." in path.split("/") or not any(is_inside(path, folder) for folder in self._paths):
            raise PermissionDeniedError(
                f"{name}: a client may ask for models in {', '.join(self._paths)} only (--reload-root). Received the base path {path}."
            )


def _beside(path: str) -> str:
    """The folder that a model is in; the model itself if that would be all there is."""
    path = without_scheme(path)
    if "://" in path:
        return path.rstrip("/").rpartition("/")[0]
    real = os.path.realpath(path)
    parent = os.path.dirname(real)
    return real if parent == os.path.dirname(parent) else parent


def check_links(path: str, base_path: str) -> None:
    """Raises PermissionDeniedError if a symbolic link in a version leads out of it and out of the model's folder.

    Args:
      path: of the version; it may be a link itself.
      base_path: of the model.
    """
    path = without_scheme(path)
    if "://" in path or not os.path.isdir(path):
        return
    for folder, folders, names in os.walk(path):
        for name in (*folders, *names):
            place = os.path.join(folder, name)
            if os.path.islink(place) and not (
                is_inside(place, path) or is_inside(place, base_path)
            ):
                raise PermissionDeniedError(
                    f"{place} is a link to {os.path.realpath(place)}, outside of the model's folder {base_path}. If that is meant, "
                    "let the server read files: --allow=read_files."
                )
