"""What the operators do, in pieces that join the Alma client and the purge rules."""
