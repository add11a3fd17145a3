"""The tenant access request: a partner's staff ask a tenant's admins for time-limited access."""
