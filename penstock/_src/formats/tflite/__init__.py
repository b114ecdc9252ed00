"""TFLite: files for phones and small devices."""
