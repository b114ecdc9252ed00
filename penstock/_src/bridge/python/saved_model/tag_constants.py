"""`tensorflow.python.saved_model.tag_constants`: the tag of graphs for evaluation."""

EVAL = "eval"
