"""The error of what no exporter does yet."""

from penstock._src.core.errors import UnimplementedError


def missing(name: str, what: str) -> UnimplementedError:
    """Returns the error for a public name whose work is not implemented."""
    return UnimplementedError(f"{name}: {what} is not implemented.")
