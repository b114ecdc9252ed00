"""Files of tests for workers of pytest-xdist: as its own `loadfile` hands them out, in time that does not grow with the number of tests.

Some folders are handed out as if they were a file.

Its scheduler looks for each test in the list of all, and counts all tests that a worker has run after each of them.
"""

from collections.abc import Sequence

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class Collection(list[str]):
    """The tests that a worker has collected; finds the number of one at once."""

    def __init__(self, tests: Sequence[str]) -> None:
        super().__init__(tests)
        self._numbers: dict[str, int] = {}
        for number, test in enumerate(tests):
            self._numbers.setdefault(test, number)

    def index(self, test: str, *bounds: int) -> int:
        """The number of a test."""
        return super().index(test, *bounds) if bounds else self._numbers[test]


# Folders whose files one worker runs: one process at a time reads all sources for their rules, others would wait for it.
TOGETHER = ("tests/layout/",)


class FileScheduling(LoadFileScheduling):
    """Hands out whole files, or folders of files, and forgets those whose tests have all been run."""

    def _split_scope(self, nodeid: str) -> str:
        """The folder or file of a test."""
        folder = next((folder for folder in TOGETHER if nodeid.startswith(folder)), None)
        return folder or super()._split_scope(nodeid)

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Keeps what a worker has collected."""
        super().add_node_collection(node, collection)
        if node in self.registered_collections:  # a late worker's may differ
            self.registered_collections[node] = Collection(collection)

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        """Notes that a test was run."""
        super().mark_test_complete(node, item_index, duration)
        file = self._split_scope(self.registered_collections[node][item_index])
        tests = self.assigned_work[node][file]
        if all(tests.values()):
            del self.assigned_work[node][file]
