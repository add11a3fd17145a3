"""The contacts of a site: who they are, and their monthly review of contacts and users."""
