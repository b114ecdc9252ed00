"""The path of the library of a PJRT plugin."""

import importlib.util
from pathlib import Path

from penstock._src.core.errors import FailedPreconditionError
from penstock._src.util.flags import flags


def find_plugin() -> Path:
    """The library of PENSTOCK_PJRT_PLUGIN; else that of the package `libtpu`.

    Raises:
      FailedPreconditionError: there is no plugin.
    """
    if flags.pjrt_plugin:
        path = Path(flags.pjrt_plugin).expanduser()
        if not path.is_file():
            raise FailedPreconditionError(
                None, None, f"PENSTOCK_PJRT_PLUGIN: there is no file {path}."
            )
        return path
    package = importlib.util.find_spec("libtpu")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / "libtpu.so"
        if path.is_file():
            return path
    raise FailedPreconditionError(
        None,
        None,
        "PENSTOCK_DEVICE=PJRT needs a plugin: PENSTOCK_PJRT_PLUGIN=PATH names its library, which exports GetPjrtApi; "
        "for TPUs `pip install libtpu` brings one.",
    )
