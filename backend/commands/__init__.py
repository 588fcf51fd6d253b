"""The backend's part of the `handover` command, one module a command."""
