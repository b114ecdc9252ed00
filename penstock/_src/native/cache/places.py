"""Folders of the user's files on this system."""

import os
import sys
from pathlib import Path

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
