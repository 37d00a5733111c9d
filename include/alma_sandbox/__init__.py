"""A rehearsal tenant: an Alma API and an SFTP server on localhost, for demos and tests."""
