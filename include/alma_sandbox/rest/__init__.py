"""The Alma REST surface: reads the state, answers in Alma's words."""
