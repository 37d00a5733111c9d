"""`make demo`: one rehearsal of a purge on this machine, from nothing, followed in the terminal."""
