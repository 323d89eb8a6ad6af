"""The services as processes of their own: each reads, decides, commits under its fence, publishes, acknowledges."""
