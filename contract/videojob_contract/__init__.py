"""What the VideoJob operator and its workers agree on: resources, errors and the queue protocol."""
