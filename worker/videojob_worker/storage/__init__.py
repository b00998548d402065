"""Where sources are read from and outputs written to: one file a kind of storage, behind one registry by scheme."""
