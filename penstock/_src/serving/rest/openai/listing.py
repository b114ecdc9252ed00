"""The models that OpenAI's clients see."""

from __future__ import annotations

import time
from typing import Any

from penstock._src.serving.models.table import ModelTable


class Listing:
    """Describes the models that generate, or make vectors of texts, as OpenAI's API does.

    Args:
      table: where versions are found.
    """

    def __init__(self, table: ModelTable) -> None:
        self._table = table
        self._created = int(time.time())

    def all(self) -> list[dict[str, Any]]:
        """Returns the descriptions of all models, by name."""
        entries = [self.entry(name) for name in sorted(self._table.loaded())]
        return [entry for entry in entries if entry]

    def entry(self, name: str) -> dict[str, Any]:
        """Returns the description of a model; nothing if it is of another kind, or is not loaded.

        Args:
          name: of the model.
        """
        versions = self._table.loaded().get(name, {}).values()
        if not any(version.generates or version.encodes for version in versions):
            return {}
        facts = {"object": "model", "created": self._created, "owned_by": "penstock"}
        return {"id": name, **facts}
