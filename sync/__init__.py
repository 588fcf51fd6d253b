"""The kernel: what a handover is, with no network, disk, clock or randomness in it."""
