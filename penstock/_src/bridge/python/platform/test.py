"""Tests."""

from unittest import mock as mock
