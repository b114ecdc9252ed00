"""Whether a path is in a folder, as rules of what may be read and removed ask."""

import os


def without_scheme(path: str) -> str:
    """A path of this machine as the system has it: file:///a is /a. Paths with other schemes are returned as they are."""
    return path.removeprefix("file://")


def is_inside(path: str, folder: str) -> bool:
    """True if a path is the folder or in it, after links in both are followed. Paths with other schemes than file:// have no links."""
    path, folder = without_scheme(path), without_scheme(folder)
    if "://" in path or "://" in folder:
        return path.startswith(folder.rstrip("/") + "/") and ".." not in path.split("/")
    inner, outer = os.path.realpath(path), os.path.realpath(folder)
    return inner == outer or inner.startswith(os.path.join(outer, ""))


def is_below(path: str, folder: str) -> bool:
    """True if a path is inside of a folder, and not the folder itself."""
    return is_inside(path, folder) and not is_inside(folder, path)
