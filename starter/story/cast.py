"""Who plays in the story, and where. All but Jim and Sid stand in the example directory."""

BENBOW, BENBOW_NAME = "admiral-benbow", "Admiral Benbow"
GALLERY, SITE, PARTNER = "hundred-acre-wood", "st-petersburg", "classics"
EMAILS = {
    "elizabeth": "elizabeth.bennet@classics.example.com",
    "caroline": "caroline.bingley@classics.example.com",
    "charlotte": "charlotte.lucas@classics.example.com",
    "lydia": "lydia.bennet@classics.example.com",
    "charles": "charles.bingley@netherfield.example.com",
    "jane": "jane.bennet@netherfield.example.com",
    "christopher": "christopher.robin@hundred-acre-wood.example.net",
    "becky": "becky.thatcher@tom-sawyer.example.org",
    "tom": "tom.sawyer@tom-sawyer.example.org",
    "jim": "jim.hawkins@admiral-benbow.example.com",
    "sid": "sid.sawyer@tom-sawyer.example.org",
}
OPERATOR = "operator"  # whoever has the machine; signs nothing
