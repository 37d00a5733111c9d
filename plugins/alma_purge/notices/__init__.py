"""Mails about a run: when they are sent, to whom, and what happens when one can't be sent."""
