"""Image files: parsing of their bytes, by format."""
