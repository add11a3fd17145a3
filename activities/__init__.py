"""Thin activities that know ports only."""
