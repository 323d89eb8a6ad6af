"""The nouns of trading: plain values that know no message, no service and no exchange."""
