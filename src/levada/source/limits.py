"""When the next request may go, and how many at once. Decides; never waits."""
