"""The Model Context Protocol: the gateway's own routes, as tools of programs that think in words."""
