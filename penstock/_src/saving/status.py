"""The results of restoring a checkpoint: assertions about matched values."""

from collections.abc import Container
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.saving.object_graph import ObjectView, values_of
from penstock._src.saving.restoration import NUMBERS, NamedRestoration, Restoration
from penstock._src.saving.serialized import session_of, slots_of


def _initializers(view: ObjectView, without: Container[int] = ()) -> list[Any]:
    """The operations that initialize the variables of a graph, those of optimizers included."""
    objects = [*view.objects, *(slot for *_, slot in slots_of(view))]
    starts = [
        getattr(trackable, "initializer", None)
        for trackable in objects
        if id(trackable) not in without
    ]
    return [start for start in starts if start is not None]


class LoadStatus:
    """Base class of the results of restoring."""

    # The objects and their restore operations, in a graph.
    operations: list[tuple[Any, Any]] = []

    def assert_consumed(self) -> "LoadStatus":
        """Raises AssertionError unless everything has been restored on both sides."""
        raise NotImplementedError

    def assert_existing_objects_matched(self) -> "LoadStatus":
        """Raises AssertionError unless every existing object has been restored."""
        raise NotImplementedError

    def assert_nontrivial_match(self) -> "LoadStatus":
        """Raises AssertionError if nothing but the root has been matched."""
        raise NotImplementedError

    def expect_partial(self) -> "LoadStatus":
        """Suppresses warnings about an incomplete match."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Restores the values in a session; they are restored already when executing eagerly."""

    def initialize_or_restore(self, session: Any = None) -> None:
        """Restores the values in a session, and initializes variables without saved values."""
        self.run_restore_ops(session)


class InitializationOnlyStatus(LoadStatus):
    """The result of restoring from no checkpoint."""

    def __init__(self, root: Any, attached: Any) -> None:
        self._root, self._attached = root, attached
        self._number = next(NUMBERS)

    def run_restore_ops(self, session: Any = None) -> None:
        """Raises AssertionError, because there was no checkpoint."""
        raise AssertionError(
            "No checkpoint specified, so no restore operations are available (save_path=None)."
        )

    def initialize_or_restore(self, session: Any = None) -> None:
        """Initializes the variables of a graph that no later call restores."""
        view = ObjectView(self._root, self._attached)
        objects = [*view.objects, *(slot for *_, slot in slots_of(view))]
        restored = {id(one) for one in objects if one._update_uid > self._number}
        starts = _initializers(view, restored)
        if STATE.graph is not None:
            session_of(STATE.graph, session).run(starts)

    def assert_consumed(self) -> LoadStatus:
        """Raises AssertionError, because there was no checkpoint."""
        raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")

    assert_existing_objects_matched = assert_consumed
    assert_nontrivial_match = assert_consumed


class CheckpointLoadStatus(LoadStatus):
    """The result of restoring by the object graph."""

    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration
        self.operations = restoration.operations

    def _here(self) -> list[Any]:
        return ObjectView(self._restoration.root, self._restoration.attached).objects

    def run_restore_ops(self, session: Any = None) -> None:
        """Restores the values in a session; they are restored already when executing eagerly."""
        self._run([restored for _, restored in self.operations], session)

    def initialize_or_restore(self, session: Any = None) -> None:
        """Restores the values in a session, and initializes variables without saved values."""
        self.run_restore_ops(session)
        restored = {id(trackable) for trackable, _ in self.operations}
        view = ObjectView(self._restoration.root, self._restoration.attached)
        self._run(_initializers(view, restored), session)

    def _run(self, operations: list[Any], session: Any) -> None:
        if STATE.graph is not None and operations:
            run = session_of(STATE.graph, session).run
            run(operations, feed_dict=self._restoration.feeds)

    def assert_consumed(self) -> "CheckpointLoadStatus":
        """Raises AssertionError unless everything has been restored on both sides: objects without values are named first."""
        self.assert_existing_objects_matched()
        for number, attribute in self._restoration.unused():
            path = self._restoration.path_of(number)
            if number not in self._restoration.bound:
                node = self._restoration.graph.nodes[number]
                raise AssertionError(f"Unresolved object in checkpoint {path}: {node}")
            raise AssertionError(
                "Unused attributes in these objects (the attributes exist in the checkpoint but were not restored):\n"
                f"{path} ({self._restoration.bound[number]}): {[attribute.name]}"
            )
        for number in range(len(self._restoration.graph.nodes)):
            if number not in self._restoration.bound and number not in self._restoration.skipped:
                path = self._restoration.path_of(number)
                raise AssertionError(f"Unresolved object in checkpoint {path}")
        return self

    def assert_existing_objects_matched(self) -> "CheckpointLoadStatus":
        """Raises AssertionError unless the values of all existing objects were restored."""
        unmatched = [
            trackable
            for trackable in self._here()
            if id(trackable) not in self._restoration.numbers and values_of(trackable)
        ]
        if unmatched:
            shown = unmatched[:10]
            raise AssertionError(
                f"Found {len(unmatched)} Python objects that were not bound to checkpointed "
                "values, likely due to changes in the Python program. Showing "
                f"{len(shown)} of {len(unmatched)} unmatched objects: {shown}"
            )
        return self

    def assert_nontrivial_match(self) -> "CheckpointLoadStatus":
        """Raises AssertionError if nothing but the root has been matched."""
        if len(self._restoration.bound) < 2:
            root = self._restoration.root
            if len(self._here()) < 2:
                raise AssertionError(
                    f"Nothing to load. No dependencies have been added to {root} yet."
                )
            raise AssertionError(
                f"Nothing except the root object matched a checkpointed value. Root: {root}."
            )
        return self


class NameBasedSaverStatus(LoadStatus):
    """The result of restoring variables by name, from a checkpoint of TensorFlow 1."""

    def __init__(self, restoration: NamedRestoration) -> None:
        self._restoration = restoration
        self._optional: list[Any] = []

    def add_to_optionally_restored(self, var: Any) -> None:
        """Lets the assertions pass without a value for `var`."""
        self._optional.append(var)

    def run_restore_ops(self, session: Any = None) -> None:
        """Restores the values in a session; they are restored already when executing eagerly.

        Raises:
          NotFoundError: a variable is not in the checkpoint.
        """
        if STATE.graph is not None:
            self._restoration.run(session_of(STATE.graph, session))

    def assert_consumed(self) -> "NameBasedSaverStatus":
        """Raises AssertionError unless every object was restored; the checkpoint may have more."""
        unrestored = [
            (one, name)
            for one, name in self._restoration.unrestored()
            if all(one is not optional for optional in self._optional)
        ]
        if unrestored:
            listed = "".join(f"\n    {one}: {[name]}" for one, name in unrestored)
            raise AssertionError(f"Some objects had attributes which were not restored: {listed}")
        return self

    assert_existing_objects_matched = assert_consumed
    assert_nontrivial_match = assert_consumed
