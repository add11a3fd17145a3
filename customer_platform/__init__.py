"""The customer platform over HTTP, behind the port in approvals/platform.py."""
