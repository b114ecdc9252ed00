"""Lines of text in bytes."""


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file without their ends, a newline and one carriage return before it; what follows the last newline if there is anything."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]
