"""The contracts: what travels between services, to the exchange and back, and what a service is."""
