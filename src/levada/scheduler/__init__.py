"""Specs that run by themselves: when the next tick is, what it works on, and the loop that does it.

schedule ──► ticks.due ──► post.work_at ──► pipeline.work ──► Told
"""
