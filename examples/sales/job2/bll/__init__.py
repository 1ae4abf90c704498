"""What job2 does."""
