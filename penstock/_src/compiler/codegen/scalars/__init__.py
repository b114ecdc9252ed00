"""Elementwise code. Read first: registers.py (how values lie in registers), then operations.py (the table)."""
