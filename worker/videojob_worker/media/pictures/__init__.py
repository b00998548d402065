"""Pictures: what is known of them before they are decoded, and decoding them."""
