"""Whether a database holds what was once received, byte for byte, and where not, which event is the first bad one."""
