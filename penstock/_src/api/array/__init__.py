"""Functions on arrays of any type, at the root of the public tree."""
