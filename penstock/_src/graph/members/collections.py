"""Methods of graphs for collections of objects, and for what sessions may be given and asked for."""

import re
from typing import Any

from penstock._src.graph.operation import Operation


class Collections:
    """Methods of graphs for collections, and for what sessions may be given and asked for."""

    _collections: dict[Any, list[Any]]
    # ids of tensors, and operations, that sessions may not be given or asked for
    _unfeedable: set[int]
    _unfetchable: set[Operation]

    @property
    def collections(self) -> list[Any]:
        """The names of the collections."""
        return list(self._collections)

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Appends `value` to a collection.

        Args:
          name: of the collection; a new one is made.
          value: any object.
        """
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Appends `value` to several collections.

        Args:
          names: of the collections; one that is named twice gets one entry.
          value: any object.
        """
        for name in {names} if isinstance(names, str) else set(names):
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """Returns a copy of a collection, or of its items with names that begin with a match of `scope`.

        Args:
          name: of the collection.
          scope: a regular expression, such as a prefix; None for all items.

        Returns:
          A list, empty if there is no such collection.
        """
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        matches = re.compile(scope).match
        return [item for item in items if hasattr(item, "name") and matches(item.name)]

    def get_collection_ref(self, name: Any) -> list[Any]:
        """Returns the collection itself, not a copy.

        Args:
          name: of the collection; a new one is made.

        Returns:
          A list; what changes it changes the collection.
        """
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[Any]:
        """Returns the names of the collections that hold something.

        Returns:
          A list of str.
        """
        return [name for name in self._collections if isinstance(name, str)]

    def clear_collection(self, name: Any) -> None:
        """Empties a collection.

        Args:
          name: of the collection.
        """
        self._collections.pop(name, None)

    def is_feedable(self, tensor: Any) -> bool:
        """True if a session may be fed `tensor`.

        Args:
          tensor: of the graph.

        Returns:
          False after `prevent_feeding(tensor)`.
        """
        return tensor._id not in self._unfeedable

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """True if a session may fetch `tensor_or_op`.

        Args:
          tensor_or_op: of the graph.

        Returns:
          False after `prevent_fetching` of the operation.
        """
        return getattr(tensor_or_op, "op", tensor_or_op) not in self._unfetchable

    def prevent_feeding(self, tensor: Any) -> None:
        """Forbids sessions to be fed `tensor`.

        Args:
          tensor: of the graph.
        """
        self._unfeedable.add(tensor._id)

    def prevent_fetching(self, op: Any) -> None:
        """Forbids sessions to fetch `op`.

        Args:
          op: an operation of the graph.
        """
        self._unfetchable.add(op)
