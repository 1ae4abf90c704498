"""Where pages and staged files lie: bytes by key, work in progress, and the commit record that says what stands."""
