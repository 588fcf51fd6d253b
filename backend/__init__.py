"""The server: one ledger, what follows from it, and the doors people and devices use."""
