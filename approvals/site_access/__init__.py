"""Site access: a person asks a site's contacts for privileges, or the contacts add them."""
