"""A rehearsal tenant: an Alma API and an SFTP server on localhost, for demos and tests.

`FAKES.md` lists what it fakes, what it invents and what it does not know.
"""
