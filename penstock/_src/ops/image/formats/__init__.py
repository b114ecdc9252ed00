"""Image files: what their bytes say, by format."""
