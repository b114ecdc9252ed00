"""The functions of the logger "tensorflow": `tensorflow.python.platform.tf_logging`."""

from penstock._src.v1.process.log import debug, error, fatal, info, log, warn, warning
