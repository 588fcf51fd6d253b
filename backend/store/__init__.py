"""The only home of SQL on the server side."""
