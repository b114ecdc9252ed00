"""Tests that draw at random what they run."""
