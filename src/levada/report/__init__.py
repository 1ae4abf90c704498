"""Questions asked after the work, and where their rows go."""
