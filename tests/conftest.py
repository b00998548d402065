"""What holds for every test."""

from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code: pytest's own timeout is the limit.
settings.register_profile("videojob", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("videojob")
