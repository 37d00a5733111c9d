"""The human approval."""
