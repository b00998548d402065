"""Makes pictures, in the form that the encoder takes."""
