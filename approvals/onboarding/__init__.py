"""Onboarding: a new customer is made on the customer platform, and then enters the directory."""
