"""The calls to Alma at which a kill hurts most, as regular expressions searched in path and query."""

REGROUP = r"conf/jobs/M148\?.*op=run"
PURGE = r"conf/jobs/M20261\?.*op=run"
FILL = r"conf/sets/\d+\?.*op=add_members"
READ_SET = r"conf/sets/\d+/members"
CHANGE_USER = r"users/"
