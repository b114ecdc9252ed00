"""What a model file would do besides computing, found without running or importing anything of it: `penstock audit`.

findings.py has what is found and how it is printed, files.py tells formats apart, graphs.py reads graphs and SavedModels,
keras_files.py archives and HDF5 files of Keras, checkpoints.py checkpoints.
"""
