"""Which addresses programs call, and where people find pages."""

from typing import Final

PROGRAMS: Final = ("/v1/", "/api/", "/schema", "/health/")
"""Addresses that programs call; at all others there are pages for people."""
