"""The agent on a phone, a handheld or a gateway: records first, syncs when it can."""
