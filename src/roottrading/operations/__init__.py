"""Operations: what the person who runs the system needs beside trading."""
