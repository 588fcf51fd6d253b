"""Sentences of the pages: AREA.LANGUAGE.json, the same keys in every language of an area."""
