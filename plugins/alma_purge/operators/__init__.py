"""One operator for each task of the flow."""
