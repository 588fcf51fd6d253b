"""The commands of a device, one subcommand an action: `table.py` lists them, the other files say what they do."""
