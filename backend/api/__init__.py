"""HTTP endpoints for devices and programs, one router a file."""
