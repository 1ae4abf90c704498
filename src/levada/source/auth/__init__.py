"""How requests say who asks."""
