"""A customer platform to try Gatehouse against: an HTTP server with an SQLite file of its own."""
