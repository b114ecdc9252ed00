"""Numbers and strings as MLIR's bytecode writes them."""


class MalformedBytecode(ValueError):
    """The bytes are not bytecode of a supported version."""


class Stream:
    """Bytes and a position, which every read advances."""

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end is None else end

    def __bool__(self) -> bool:
        return self.position < self.end

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start, stop = self.position, self.position + count
        if count < 0 or stop > self.end:
            raise MalformedBytecode(f"expected {count} more bytes at byte {start}.")
        self.position = stop
        return self.data[start:stop]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """A number of 64 bits; zeros at the low end of its first byte count the bytes that follow."""
        first = self.byte()
        if first & 1:
            return first >> 1
        if not first:
            return int.from_bytes(self.take(8), "little")
        extra = (first & -first).bit_length() - 1
        value = first | int.from_bytes(self.take(extra), "little") << 8
        return value >> (extra + 1)

    def signed(self) -> int:
        """Read a number with its sign in the lowest bit."""
        value = self.number()
        return (value >> 1) ^ -(value & 1)

    def flagged(self) -> tuple[int, bool]:
        """A number and the flag in its lowest bit."""
        value = self.number()
        return value >> 1, bool(value & 1)

    def numbers(self) -> list[int]:
        """A counted list of numbers."""
        return [self.number() for _ in range(self.number())]

    def blob(self) -> bytes:
        """Counted bytes."""
        return self.take(self.number())

    def text(self) -> str:
        """A string that ends with a zero."""
        stop = self.data.find(b"\0", self.position, self.end)
        if stop < 0:
            raise MalformedBytecode(f"a string at byte {self.position} has no end.")
        decoded = self.take(stop - self.position).decode()
        self.position += 1
        return decoded

    def integer(self, width: int) -> int:
        """A signed integer of known width: a byte, a number, or words of 64 bits, each with a sign."""
        if width <= 8:
            return _signed(self.byte(), width)
        if width <= 64:
            return _signed(self.signed(), width)
        words = [self.signed() & (1 << 64) - 1 for _ in range(self.number())]
        return _signed(sum(word << 64 * i for i, word in enumerate(words)), width)


def _signed(value: int, width: int) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if width > 1 and value >> (width - 1) else value
