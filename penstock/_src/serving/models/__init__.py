"""Models: finding them, and loading and unloading their versions.

In: names of models with their folders, policies and labels. Out: the version that a request asks for, with its functions. `servable.py` has the
records of a loaded model, `formats/` loads them from files.
"""
