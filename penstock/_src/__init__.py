"""The engine below the public tree: layers of folders, each importing only what is below it.

`docs/architecture.md` shows the whole picture: the layers, the path of a tensor, and the contracts. Each folder's docstring says what comes in, what goes out, and which file
to read first.
"""
