"""Neural network ops that newer ones have replaced."""
