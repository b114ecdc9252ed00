"""Numbers in groups of seven bits, the low ones first, as protocol buffers, tables and Snappy write them."""

_MOST_BITS = 64


def encode(value: int) -> bytes:
    """Returns the groups of a number from 0 on."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode(data: bytes, at: int) -> tuple[int, int]:
    """Returns (the number at `at`, the position after it).

    Raises:
      IndexError: it does not end, or has more than 64 bits.
    """
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
        if shift >= _MOST_BITS:
            raise IndexError("a number has no end")
