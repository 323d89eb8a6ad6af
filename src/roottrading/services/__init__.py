"""The verbs: seven services, strangers to each other; each is pure and is moved by a runtime."""
