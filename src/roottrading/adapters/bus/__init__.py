"""What carries messages between processes: one that forgets what nobody hears, and one that keeps."""
