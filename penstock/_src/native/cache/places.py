"""Folders of the user's files on this system."""

import os
import sys
from pathlib import Path

from penstock._src.util.flags import flags

# For each kind of files: below the home on macOS; an environment variable and its default on Windows, and elsewhere.
_PLACES = {
    "cache": ("Library/Caches", ("LOCALAPPDATA", "AppData/Local"), ("XDG_CACHE_HOME", ".cache")),
    "configuration": (
        "Library/Application Support",
        ("APPDATA", "AppData/Roaming"),
        ("XDG_CONFIG_HOME", ".config"),
    ),
}


def folder_of_user(kind: str) -> Path | None:
    """Penstock's folder for "cache" or "configuration"; None if no home is known."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    on_mac, on_windows, elsewhere = _PLACES[kind]
    if sys.platform == "darwin":
        return home / on_mac / "penstock"
    variable, default = on_windows if sys.platform == "win32" else elsewhere
    return Path(os.environ.get(variable) or home / default) / "penstock"


def tuning_file() -> Path | None:
    """The file of this user's records of tuning, beside the kernel cache; None if there is no cache."""
    if flags.cache_dir.lower() == "none":
        return None
    folder = Path(flags.cache_dir) if flags.cache_dir else default_folder()
    return folder.parent / "tuning.json" if folder else None


def default_folder() -> Path | None:
    """The user's cache folder of this system; None if no home is known."""
    folder = folder_of_user("cache")
    return folder and folder / "kernels"
