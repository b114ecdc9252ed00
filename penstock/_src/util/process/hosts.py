"""Refuses Python processes in which Penstock cannot work, before something in them waits for ever, or fails without a reason."""

import ctypes
import functools
import os

# The package's implementation: `penstock/_src`.
_SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


@functools.cache
def check() -> None:
    """Checks, once, that Penstock works in this process.

    Raises:
      ImportError: it does not.
    """
    _check_interpreter()
    check_sources(_SOURCES)


def _check_interpreter() -> None:
    """Refuses all but the main interpreter of a process: functions that ctypes makes of Python's wait for ever in others."""
    current = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyInterpreterState_Get", ctypes.pythonapi))
    number = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(
        ("PyInterpreterState_GetID", ctypes.pythonapi)
    )
    if number(current()) != 0:
        raise ImportError(
            "Penstock works in the main interpreter of a process only. This is another one, in which it would wait for ever. Under mod_wsgi, set "
            "WSGIApplicationGroup %{GLOBAL}."
        )


def check_sources(folder: str) -> None:
    """Checks that the package's sources lie in a folder: operations are looked up in them, and kernels are named by them.

    Args:
      folder: where they are to be.

    Raises:
      ImportError: they do not.
    """
    if not os.path.isfile(os.path.join(folder, "__init__.py")):
        raise ImportError(
            f"Penstock reads its own sources, and there are none at {folder}. Of an archive (zipapp), unpack it; for PyInstaller, give it "
            "--collect-all penstock."
        )
