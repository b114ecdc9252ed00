"""Orders of numbers: inverses of permutations, and the rank of numbers in their rows."""
