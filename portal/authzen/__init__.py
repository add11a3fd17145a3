"""The gate over HTTP: the OpenID AuthZEN Authorization API 1.0, for programs with a token."""
