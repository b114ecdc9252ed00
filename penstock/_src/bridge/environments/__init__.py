"""Makes `tensorflow` mean Penstock in a whole virtual environment, for programs and for pip.

In: a folder of packages (`site-packages`). Out: files there. `at_start.py` has the import hooks, `stand_in.py` says which files, `site_packages.py` writes and removes them for
`penstock enable` and `penstock disable`; `editor_stubs.py` makes the type stubs of those names; the distribution `tensorflow-on-penstock` (packaging/) brings the same ones. None of it needs NumPy.
"""
