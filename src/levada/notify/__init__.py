"""Notices: people are told of the end of a round by mail and webhook; what cannot be sent waits in the lake."""
