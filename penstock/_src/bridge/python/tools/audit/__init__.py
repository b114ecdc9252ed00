"""The effects of a model file besides computing, found without running or importing anything in it: `penstock audit`.

findings.py has what is found and how it is printed, files.py tells formats apart, graphs.py reads graphs and SavedModels,
keras_files.py archives and HDF5 files of Keras, checkpoints.py checkpoints.
"""
