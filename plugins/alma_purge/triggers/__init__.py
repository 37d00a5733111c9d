"""Triggers that wait for Alma without a worker slot."""
