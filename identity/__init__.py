"""Cryptography behind the ports: signatures, one-time codes, session assertions."""
