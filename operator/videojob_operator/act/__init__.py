"""What the operator does to the world: the only modules that write to the API server and to Redis."""
