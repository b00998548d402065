"""The Grafana dashboards as code: `python -m hack.dashboards FOLDER` writes one JSON file each."""
