"""`tensorflow.python.tpu`: the functions that programs for TPUs call before they find that there is none."""
