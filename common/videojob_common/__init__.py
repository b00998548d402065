"""What the programs share, and need not agree on: logs, settings, and connections to addresses that were checked."""
