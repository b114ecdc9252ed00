"""Readers of files: blocks of elements, columns by columns.

Read files.py first: `FromFiles` opens files wherever they are, compressed or not, and keeps the position. blocks.py has the
blocks; the other files make them of records, Arrow's batches and LMDB. A reader of another format is a file here.
"""
