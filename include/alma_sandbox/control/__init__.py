"""The control API outside /almaws: what the rehearsal's stage hand can do."""
