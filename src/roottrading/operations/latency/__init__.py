"""From a market frame to the order that it leads to: every hop, from what the services note of themselves."""
