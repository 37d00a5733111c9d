"""What the tenant holds and how it changes, independent of HTTP."""
