"""Video: containers, what is known of their pictures, and decoding them."""
