"""tf.feature_column: columns that convert raw features to numeric tensors, and the functions that apply them.

TensorFlow has two generations of columns, which a program may mix: those of `tf.feature_column` answer both protocols, the
private first ones (`_numeric_column` ...) only the older. A column's computation is written once, in a class of its file, over
a `Source` that hides the protocol; `protocols.py` turns it into the methods of both.

    bases.py          what a column of each generation must answer
    sources.py        features as tensors; the two caches; the `Source` of each protocol
    protocols.py      the methods of both protocols, and configurations
    numeric.py        numbers and their buckets
    categorical.py    ids by identity, hash and vocabulary
    combined.py       crossed, weighted and sequential ids
    dense.py          indicators and embeddings; shared.py: embeddings that several columns share
    layers.py         input_layer; linear_model.py: linear_model; parsing.py: what tf.io.parse_example must parse
    state.py          the variables and tables of columns in a layer
"""
