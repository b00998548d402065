"""A real API server for the chart's tests."""

from tests.integration.conftest import apiserver, namespace

__all__ = ["apiserver", "namespace"]
