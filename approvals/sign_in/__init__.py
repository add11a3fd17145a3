"""Sign-in: a mailed one-time code enrols exactly one key, for twelve hours."""
