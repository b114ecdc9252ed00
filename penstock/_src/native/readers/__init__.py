"""Native readers of file formats: functions over bytes that Python calls for whole batches."""
