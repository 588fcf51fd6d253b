"""Pages for people of the office: rendered here, usable without a script, with nothing from other hosts."""
