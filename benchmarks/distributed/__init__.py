"""What each part of the distributed system carries, measured with the services as they are."""
