"""How people of the office prove who they are: passwords, sessions of browsers, one-use links."""
