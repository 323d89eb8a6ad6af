"""How a service is: what it needs and whether it is there, its numbers, and the door at which both are asked for."""
