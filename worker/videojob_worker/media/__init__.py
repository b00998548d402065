"""Opens what users send, and trusts none of it."""
