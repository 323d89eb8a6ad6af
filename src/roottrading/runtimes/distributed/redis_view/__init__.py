"""What Redis shows to whoever looks, and how all of it is written anew."""
