"""Files on any file system: every path that a user gives goes through `files.py`.

A path without a scheme, or with `file://`, is local; `ram://` is the memory of this process; other URLs (`gs://`, `s3://`, `http://`,
`memory://`) are opened by fsspec, if it is installed. Each kind has a folder with a `FileSystem` (`base.py`), and raises TensorFlow's
classes of errors (`translation.py`). Read `files.py` first. `whole.py` writes files that are there as a whole or not at all, and
`transaction.py` several files that change together.

A new kind of file system: a folder with a subclass of `FileSystem`, and a line in `files.system_of`.
"""
