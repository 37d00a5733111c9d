"""The people the tenant starts with: seeded, deterministic, one scenario each."""
