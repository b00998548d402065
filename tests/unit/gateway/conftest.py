"""Connections are tested on the event loop that the gateway runs on, and on asyncio's own, on which tests serve it."""

import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):  # noqa: ARG001 - a hook
    """Return the event loops of a test."""
    loops = {"asyncio": asyncio.new_event_loop}
    return loops | {"uvloop": uvloop.new_event_loop} if item.path.name == "test_connections.py" else loops
