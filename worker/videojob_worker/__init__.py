"""The VideoJob worker: fetch, render, verify, publish."""
