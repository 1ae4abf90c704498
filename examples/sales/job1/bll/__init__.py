"""What job1 does."""
