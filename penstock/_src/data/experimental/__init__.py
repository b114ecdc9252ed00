"""tf.data.experimental: transformations as functions (`transforms.py`), CSV files, lookup tables filled from datasets, `service/`."""
