"""Parts of a graph that a converter shall see as one operation: `tf.compat.v1.lite.OpHint`.

In: tensors that a program declares to be the inputs and outputs of such a part. Out: a GraphDef with one node in place of
each part. `hints.py` marks tensors by identities with attributes, `calls.py` finds them in a GraphDef, `stubs.py` puts the
nodes in place, `stacks.py` removes stacks that are taken apart at once.
"""
