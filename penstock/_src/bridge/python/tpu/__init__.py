"""`tensorflow.python.tpu`: what programs for TPUs ask for before they know that there is none."""
