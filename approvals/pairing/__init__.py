"""The pairing: a support organization's group enters a customer's tenant as its roles allow."""
