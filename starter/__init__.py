"""What talks to Temporal from outside: the CLI, its client, and the embedded stack."""
