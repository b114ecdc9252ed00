"""What Penstock writes, as TensorBoard's pages show it."""
