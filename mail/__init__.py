"""Mail: rendering a notice, building the bytes of a letter, and handing it to a mail server."""
