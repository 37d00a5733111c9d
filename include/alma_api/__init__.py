"""Client for the parts of the Ex Libris Alma REST API that a user purge needs."""
