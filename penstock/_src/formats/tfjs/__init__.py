"""TensorFlow.js: folders of a `model.json` and shards of weights, for browsers and node.

A graph model holds a frozen GraphDef as JSON (`graph_models/`), a layers model the configuration of a Keras model (`layers_models/`). Both keep
their weights in the same way: read `weights.py` first.
"""
