"""The files of this machine. `direct.py` writes large ones past the page cache, `appending.py` those that others read while they grow."""
