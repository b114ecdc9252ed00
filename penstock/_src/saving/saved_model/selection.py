"""Selection of objects of a SavedModel: all, or those at given paths with everything below them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from penstock._src.core.tracking.data_structures import TrackableDataStructure
from penstock._src.core.tracking.trackable import Trackable

Setter = Callable[[Any, str, Any], None]


class Selection:
    """The numbers of the objects to load.

    Args:
      graph: the SavedObjectGraph.
      filters: paths from "root", as "root.layer.v"; in a dict, with an object that takes the place of the saved one, or
        a pair of it and the function that sets its attributes. None for all objects.

    Raises:
      TypeError: a path is not a string, or an object cannot be tracked.
      ValueError: there is nothing at a path, or a function uses an object that is not selected.
    """

    def __init__(self, graph: Any, filters: Any = None) -> None:
        self._graph = graph
        self.paths = {path: self._number(path) for path in ("root",) if filters is None}
        # Existing objects, by number: the object and its attribute setter.
        self.given: dict[int, tuple[Any, Setter]] = {}
        self.numbers: list[int] = list(range(len(graph.nodes)))
        if filters is None:
            return
        self.paths = {path: self._number(path) for path in filters}
        if isinstance(filters, Mapping):
            for path, target in filters.items():
                pair = target if isinstance(target, tuple) else (target, setattr)
                if not isinstance(pair[0], Trackable):
                    raise TypeError(f"The object for {path} cannot be tracked: {pair[0]!r}.")
                self.given[self.paths[path]] = pair
        selected = self._below()
        if 0 not in selected:
            self.numbers = sorted(self._with_captures(selected))

    @property
    def has_root(self) -> bool:
        """True if the root is loaded."""
        return 0 in self.numbers

    def items(self) -> Iterator[tuple[int, Any]]:
        """(number, message) of the objects to load."""
        return ((number, self._graph.nodes[number]) for number in self.numbers)

    def _number(self, path: Any) -> int:
        if not isinstance(path, str):
            raise TypeError(f"Paths of objects to load must be strings. Received {path!r}.")
        names = path.split(".")
        if names[0] != "root":
            raise ValueError(f"The path of an object must start with 'root'. Received '{path}'.")
        number = 0
        for name in names[1:]:
            children = {c.local_name: c.node_id for c in self._graph.nodes[number].children}
            if name not in children:
                raise ValueError(
                    f"There is no object at '{path}': '{name}' is not among {sorted(children)}."
                )
            number = children[name]
        return number

    def _below(self) -> set[int]:
        """The objects at the paths and below; containers of given objects are given as well."""
        reached: set[int] = set()
        waiting = list(self.paths.values())
        while waiting:
            number = waiting.pop()
            if number in reached:
                continue
            reached.add(number)
            node = self._graph.nodes[number]
            for entry in node.saveable_objects.values():
                waiting += [entry.save_function, entry.restore_function]
            for child in node.children:
                waiting.append(child.node_id)
                self._take_container(number, child)
        return reached

    def _take_container(self, number: int, child: Any) -> None:
        """Keeps a list or dictionary that a given object has already."""
        if number in self.given and child.node_id not in self.given:
            container = self.given[number][0]._lookup_dependency(child.local_name)
            if isinstance(container, TrackableDataStructure):
                self.given[child.node_id] = container, lambda *_: None

    def _with_captures(self, selected: set[int]) -> set[int]:
        """The selected objects and the constants that their functions use.

        Raises:
          ValueError: a function uses another object that is not selected.
        """
        complete = set(selected)
        for number in selected:
            for needed in self._captures(self._graph.nodes[number]):
                if self._graph.nodes[needed].WhichOneof("kind") == "constant":
                    complete.add(needed)
                elif needed not in selected:
                    raise ValueError(
                        "Unable to partially load the SavedModel, since the specified filter does not include all "
                        "required objects for loading, as variables of functions. Please include this path: "
                        f"{self._path(needed)}"
                    )
        return complete

    def _captures(self, node: Any) -> Iterator[int]:
        names = list(node.function.concrete_functions)
        if node.HasField("bare_concrete_function"):
            names.append(node.bare_concrete_function.concrete_function_name)
        for name in names:
            yield from self._graph.concrete_functions[name].bound_inputs
        yield from (entry.node_id for entry in node.dependencies)

    def _path(self, wanted: int) -> str:
        """The shortest path to an object."""
        paths = {0: "root"}
        waiting = [0]
        for number in waiting:
            for child in self._graph.nodes[number].children:
                if child.node_id not in paths:
                    paths[child.node_id] = f"{paths[number]}.{child.local_name}"
                    waiting.append(child.node_id)
        return paths.get(wanted, f"object {wanted}")
