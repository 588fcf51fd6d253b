"""The rules of boundaries, as an administrator keeps them: templates to begin with, versions, and what one would do."""
