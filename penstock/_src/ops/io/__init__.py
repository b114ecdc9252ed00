"""Reading and writing files: records, summaries, checkpoints."""
