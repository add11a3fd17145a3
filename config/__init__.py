"""Settings, the connection to Temporal, and logging."""
