"""`tensorflow.python.debug.wrappers`: debuggers of sessions as hooks and as sessions."""
