"""Numbers that survive a statistician: repeat visits, and how many were avoided."""
