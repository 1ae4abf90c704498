"""For every test: a slow machine is no failure."""

from hypothesis import HealthCheck, settings

# Hypothesis measures time, which tells more of the machine than of the code; pytest's own timeout catches what hangs.
settings.register_profile(
    "patient",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")
