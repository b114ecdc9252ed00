"""Orders of numbers: shuffles, unions of ascending vectors, and the rank of numbers in their rows."""
