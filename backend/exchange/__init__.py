"""What comes in from other systems and goes out to them; modules here do not know each other."""
