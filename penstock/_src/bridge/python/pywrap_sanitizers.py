"""The sanitizers of a build: none, as there is no compiled code."""


def is_asan_enabled() -> bool:
    """False: no address sanitizer."""
    return False


def is_msan_enabled() -> bool:
    """False: no memory sanitizer."""
    return False


def is_tsan_enabled() -> bool:
    """False: no thread sanitizer."""
    return False


def is_ubsan_enabled() -> bool:
    """False: no sanitizer of undefined behavior."""
    return False
