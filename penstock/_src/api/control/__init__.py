"""Control flow in the public API: conditionals and loops, tensor arrays, scopes of names and of dependencies."""
