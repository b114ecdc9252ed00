"""`tensorflow.python.saved_model.constants`: names of collections and signatures with operations."""

from penstock._src.saving.saved_model.constants import *  # noqa: F403  # the public constants stand there

TRAIN_OP_KEY = "saved_model_train_op"
TRAIN_OP_SIGNATURE_KEY = "__saved_model_train_op"
INIT_OP_SIGNATURE_KEY = "__saved_model_init_op"
