"""Endless batches of records from files, in random order."""

import random
from collections.abc import Iterator

from penstock._src.core.calls import deadlines
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.errors import NotFoundError
from penstock._src.core.op import Op
from penstock._src.core.values import kernel_state, memory_limit
from penstock._src.filesystems.files import matching, open_file
from penstock._src.ops.strings.elements import strings
from penstock._src.util.files import records


class RecordInput(Op):
    """The next `batch_size` records of the files that match a pattern, shuffled within a buffer."""

    signature = "-> records: string"
    permissions = Permissions(
        capabilities="read_files", file_arguments="file_pattern", are_patterns=True
    )
    file_pattern: str
    file_random_seed: int = 301
    file_shuffle_shift_ratio: float = 0.0
    file_buffer_size: int = 10000
    file_parallelism: int = 16
    batch_size: int = 32
    compression_type: str = ""
    stateful = True

    def shape(self):
        return [None if self.batch_size < 0 else self.batch_size]

    def eager(self):
        if self.batch_size < 0:
            raise self.invalid(f"batch_size must be non-negative but got {self.batch_size}")
        if self.file_parallelism < 0:
            raise self.invalid(f"file_parallelism should >= 0, got {self.file_parallelism}")

        def step(source):
            return [next(source) for _ in range(self.batch_size)], source

        return strings(kernel_state.update(self, self._mixed, step), (self.batch_size,))

    def _mixed(self) -> Iterator[bytes]:
        """Endless records, drawn at random from the buffer once it is full."""
        choice, buffer = random.Random(self.file_random_seed), []
        source = self._in_turn(choice)
        while True:
            ended = False
            while True:  # a round over all files ends when all its records have been taken
                while not ended and len(buffer) < max(self.file_buffer_size, 1):
                    record = next(source)
                    ended = record is None
                    if record is not None:
                        buffer.append(record)
                if not buffer:
                    deadlines.check()  # files without records end a round at once
                    break
                at = choice.randrange(len(buffer))
                buffer[at], buffer[-1] = buffer[-1], buffer[at]
                yield buffer.pop()

    def _in_turn(self, choice: random.Random) -> Iterator[bytes | None]:
        """The records of all files, the files shuffled in every round; None ends a round."""
        files = matching(self.file_pattern)
        if not files:
            raise NotFoundError(f"Found no files at {self.file_pattern}")
        while True:
            choice.shuffle(files)
            shift = int(self.file_shuffle_shift_ratio * len(files))
            for name in files[shift:] + files[:shift]:
                with open_file(name) as file:
                    yield from records.read_records(
                        records.opened(file, self.compression_type),
                        name,
                        admit=memory_limit.require_bytes,
                    )
            yield None
