"""A person's commands on their way into units, and the judges of money and coins that come and go."""
