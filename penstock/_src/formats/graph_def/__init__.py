"""Frozen graphs: files of one GraphDef, binary (`.pb`) or as text (`.pbtxt`)."""
