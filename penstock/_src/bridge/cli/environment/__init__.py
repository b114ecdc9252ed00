"""Commands about the Python environment: whether `tensorflow` means Penstock in it, and what it consists of."""
