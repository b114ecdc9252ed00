"""Object code on disk: `objects.py` keeps it by key, `signing.py` has the user's key that signs it, `places.py` where both are.

`recently_used.py` is what is kept in memory.

In: a key and object code. Out: the object code of a key, if this user's processes have written it.
"""

from .objects import ObjectCache, default_folder

__all__ = ["ObjectCache", "default_folder"]
