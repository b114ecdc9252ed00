"""Neural network ops that have been superseded."""
