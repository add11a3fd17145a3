"""Customer access: whether the people of a partner's customer may sign in to the platform."""
