"""Control flow in the public API: conditionals and loops, tensor arrays, name scopes and control dependencies."""
