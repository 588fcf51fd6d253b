"""What an organisation sets up once, beside people and devices: its kinds, its sheets, and the rules between rows."""
