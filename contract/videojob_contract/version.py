"""The one version of everything in this repository: packages, images and chart."""

__version__ = "0.1.0"
