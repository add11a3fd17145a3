"""The sentences of refusals and broken rules, and what a status or an event is called."""

from approvals.errors import ApprovalError, FieldError
from portal.languages import N_, Speech
from portal.vocabulary import EVENTS, MAILS, PARTS, PEOPLE, STATUSES
from starter.client import UNKNOWN, UnreachableError

# What a reader of another language than English is told: by code, without the sentence's facts.
REFUSALS = {
    "invalid_decision": N_("This form cannot be read. Reload the page and try again."),
    "command_stale": N_("This came too late. Nothing was changed; try again."),
    "nonce_reused": N_("This form was used already. Reload the page and try again."),
    "key_refused": N_("Your sign-in has ended. Sign in again."),
    "sign_in_aged": N_(
        "Your sign-in is older than 15 minutes, and a decision needs a fresh one."
        " Nothing was changed; confirm that it is you and decide then."
    ),
    "passkey_needed": N_(
        "You have a passkey, and a decision needs it. Nothing was changed; confirm with your"
        " passkey that it is you and decide then."
    ),
    "passkey_refused": N_("That passkey was not accepted. Nothing was changed."),
    "not_found": N_("There is nothing here, or you may not see it."),
    "role_not_approvable": N_("You may not do this: it needs a role that you do not have."),
    "own_request": N_("You cannot decide this request: you sent it, or it would give you access."),
    "submission_refused": N_("This request cannot be sent as it is."),
    "already_submitted": N_("This request was already sent. Nothing was changed."),
    "already_decided": N_("Somebody was first: this is decided already. Nothing was changed."),
    "too_late": N_("The time for this is over. Nothing was changed."),
    "not_allowed_now": N_("This cannot be done any more. Nothing was changed."),
    "stale": N_(
        "This changed after you looked at it. Nothing was decided; look again and decide then."
    ),
    "replaced": N_("A newer code was mailed, which voids this one. Enter the newest."),
    "wrong_code": N_("That code is not right."),
    "rate_limited": N_("Too many attempts. Try again later."),
    "link_invalid": N_("This link is not valid. Ask for a new one."),
    "link_expired": N_("This link has ended. Ask the support organization for a new one."),
    "link_used": N_(
        "This link was used before. If that was not you or a colleague, tell your security contact."
    ),
    "already_paired": N_(
        "This group has a pairing with this tenant already, or an offer of one."
        " Nothing was changed."
    ),
    "role_unknown": N_("There is no such role here. Nothing was changed."),
    "role_not_requestable": N_("That is a role of people here; no pairing gives it."),
    "permissions_missing": N_(
        "These roles together lack a permission without which this group cannot work."
        " Nothing was changed."
    ),
    "unreachable": N_("Gatehouse cannot be reached right now. Nothing was changed."),
    "unknown_outcome": N_(
        "No answer came in time, so the outcome is unknown. Look at the page again before you"
        " repeat it."
    ),
}
# These name a role, a person, a limit or what changed, which no page shows by itself.
NAMING = frozenset(
    {
        "role_not_approvable",
        "submission_refused",
        "stale",
        "role_unknown",
        "role_not_requestable",
        "permissions_missing",
        "passkey_refused",
        "rate_limited",
    }
)
WAIT = N_("Too many attempts. Try again in %(seconds)s seconds.")
SENT_BEFORE = N_("%(count)s requests were sent before that; they are among the sent requests.")
TOO_MANY_PEOPLE = N_("One request names at most %(most)s people.")
FIELDS = {
    "name_empty": N_("Enter a name for the request."),
    "name_too_long": N_("The name is too long; the limit is 64 characters."),
    "name_char": N_("The name may contain only letters A-Z, a-z and digits."),
    "name_control_char": N_("The name contains a line break or control character."),
    "name_invisible_char": N_("The name contains an invisible character."),
    "name_bad_unicode": N_("The name is not valid Unicode text."),
    "message_too_long": N_("The text is too long; the limit is 2000 characters."),
    "message_control_char": N_("The text contains a control character."),
    "message_invisible_char": N_("The text contains a direction-changing character."),
    "message_bad_unicode": N_("The text is not valid Unicode text."),
    "reason_required": N_("Give a reason."),
    "email_invalid": N_("That is not an e-mail address. It looks like name@example.com."),
    "email_control_char": N_("The address contains a line break or control character."),
    "email_reserved_domain": N_("That domain cannot receive e-mail."),
    "email_local_part": N_(
        "The part before the @ must be plain letters, digits and . _ + - (at most 64)."
    ),
    "code_malformed": N_("The code is 8 digits, for example 1234 5678."),
    "end_required": N_("Choose when the access ends."),
    "date_missing": N_("Choose the day on which the access ends."),
    "date_not_a_date": N_("That is not a date we can read."),
    "date_no_offset": N_("The clocks change in that hour. Choose another hour."),
    "date_in_past": N_("The end date is in the past."),
    "date_too_soon": N_("That end is too soon for this tenant."),
    "date_too_far": N_("That end is too far away for this tenant."),
    "people_missing": N_("Choose at least one person."),
    "tenants_missing": N_("Choose at least one tenant."),
    "privileges_empty": N_("Give at least one privilege."),
    "level_unknown": N_("Choose one of the levels."),
    "review_day_missing": N_("Choose the day of the review."),
    "locale_malformed": N_("Choose one of the languages."),
    "file_broken": N_("Nothing was changed. Put these lines right:"),
    "admins_missing": N_("Name at least one admin."),
    "user_roles_missing": N_("Choose at least one role."),
    "reference_malformed": N_(
        "The reference takes 1 to 64 letters A-Z, a-z, digits, blanks and . _ / -, and begins and"
        " ends with a letter or digit."
    ),
    "zone_unknown": N_("That is not a time zone. Write an IANA name such as Europe/Berlin."),
    "host_malformed": N_("Write the PBX's host name or IP address, without a scheme or port."),
    "username_malformed": N_("The user name takes 1 to 120 visible ASCII characters."),
    "secret_reference": N_(
        "Do not write the secret here; say where the worker finds it: file:NAME or env:NAME."
    ),
    "secret_of_another": N_(
        "That secret is not this customer's own: its name must be the customer's short name."
    ),
    "listed_twice": N_("Somebody is listed more than once. List everybody once."),
    "role_list_size": N_("Choose 1 to 10 roles."),
    "role_malformed": N_("A role's name uses a-z, 0-9 and '-', 1 to 63 of them."),
    "role_reserved": N_("There is a role of that name; choose another one."),
    "change_required": N_("Say what the change is."),
    "permission_list_size": N_("Choose at least one permission."),
    "mode_missing": N_("Choose where the session lands."),
}


def refusal(error: ApprovalError, speech: Speech) -> str:
    """Return a refusal's sentence; English keeps its facts."""
    general = REFUSALS.get(error.code)
    if speech.language == "en" or general is None:
        return str(error)
    if error.seconds is not None:
        return speech.say(WAIT, seconds=error.seconds)
    return speech.say(general)


def in_english(error: ApprovalError, speech: Speech) -> str | None:
    """Return the English sentence where it names what the translated one cannot; else None."""
    is_general = refusal(error, speech) != str(error)
    is_told = error.code not in NAMING or error.seconds is not None
    return None if is_told or not is_general else str(error)


def away(error: UnreachableError, speech: Speech) -> str:
    """Return what is known of a command to which no answer came."""
    return speech.say(REFUSALS["unknown_outcome" if str(error) == UNKNOWN else "unreachable"])


def of_field(error: FieldError, speech: Speech) -> str:
    """Return the sentence of a broken field rule; English keeps its facts."""
    return rule(error.code, str(error), speech)


def rule(code: str, sentence: str, speech: Speech) -> str:
    """Return a rule's sentence by its code; what has no general one stays as it is."""
    general = FIELDS.get(code)
    if general is None or (speech.language == "en" and sentence):
        return sentence
    return speech.say(general)


def status(said: str, speech: Speech) -> str:
    """Return a status in words."""
    return speech.say(STATUSES[said]) if said in STATUSES else said


def event(said: str, speech: Speech) -> str:
    """Return an event of a timeline in words."""
    if said.startswith("refused."):
        return speech.say(N_("Refused"))
    return speech.say(EVENTS[said]) if said in EVENTS else said.replace("_", " ")


def about(said: str, text: str, speech: Speech) -> str:
    """Return what a line of a timeline says beside its event."""
    if not said.startswith("mail."):
        return text
    kind, colon, rest = text.partition(":")
    return (speech.say(MAILS[kind]) if kind in MAILS else kind) + colon + rest


def who(said: str, speech: Speech) -> str:
    """Return who acted: a name as it is, the clock and the nameless in words."""
    if said in PEOPLE:
        return speech.say(PEOPLE[said])
    if said.startswith("somebody of "):
        return speech.say(N_("somebody of %(place)s"), place=said.removeprefix("somebody of "))
    return said


def part(said: str, speech: Speech) -> str:
    """Return somebody's part in a site in words."""
    return speech.say(PARTS[said]) if said in PARTS else said
