"""TFX 1.21 on Penstock and on TensorFlow: the same pipelines, whose artifacts are compared. `make interop WHICH=tfx`.

environments.py  two environments, and the C libraries that TFX's wheels need on an older Debian
modules/         the user code of the pipelines: TFX's examples, trained from a seed
stages.py        the pipelines, run in either environment; the values of their artifacts go into a file
artifacts.py     what those files contain
engine.py        answers the Docker calls of the component InfraValidator by `penstock serve`
__main__.py      runs the stages, compares the files, asks a server for the pushed model
"""
