"""A local Amazon EventBridge: buses, rules, targets, and delivery with retries and dead letters."""
