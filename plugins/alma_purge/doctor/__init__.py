"""The doctor: checks a real site's settings against its Alma and SFTP server without changing anything."""
