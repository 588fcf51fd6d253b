"""The `handover` command, and the trials that need both sides: demo, replay, bench. Nothing stands on this room."""
