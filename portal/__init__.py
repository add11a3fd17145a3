"""The portal: server-rendered pages on which people ask, decide and look; it decides nothing."""
