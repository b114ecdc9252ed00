"""`tensorflow.python.saved_model.pywrap_saved_model`: constants, fingerprints and metrics."""
