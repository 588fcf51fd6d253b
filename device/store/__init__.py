"""The device's own database: log, outbox, what was pulled, raw signals."""
