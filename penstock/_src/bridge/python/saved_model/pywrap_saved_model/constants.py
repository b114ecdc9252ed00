"""`tensorflow.python.saved_model.pywrap_saved_model.constants`: names of files and keys."""

from penstock._src.saving.saved_model.constants import *  # noqa: F403  # the constants stand there
