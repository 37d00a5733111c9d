"""Hooks: how the purge reaches Alma."""
