"""The files of this machine. `direct.py` writes large ones past the page cache."""
