"""Places in texts and sequences: `alignment.py` and `boise.py` compare spans, `windows.py` slides over sequences, `sequences.py` finds the best ones, `sentences.py` breaks texts, and
`shapes.py` says what words look like."""
