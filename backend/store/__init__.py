"""The backend's SQL, all of it: numbered migrations, named queries, and what runs them on SQLite."""
