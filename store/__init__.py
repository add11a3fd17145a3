"""The database behind the ports: rows stay in here, domain objects come out."""
