"""Tells EventBridge: one entry for every record of the notifications topic, and none lost."""
