"""`tensorflow.python.tools`: programs that rewrite graphs."""
