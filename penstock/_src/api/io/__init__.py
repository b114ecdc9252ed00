"""tf.io: files, records, and the parsing of examples, CSV and raw bytes."""
