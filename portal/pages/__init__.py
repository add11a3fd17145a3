"""One module a family of pages; FAMILIES is what the portal serves, in the navigation's order.

How a page is made:

* A module makes ``pages = Pages()``. ``@pages.page(path)`` answers GET and changes nothing;
  ``@pages.act(path, on=...)`` answers the POST of one form that stands on the page *on*, where
  what was typed waits for whoever was idle for too long. The module ends with
  ``FAMILY = Family(pages, ...)``, which also names its entries in the navigation and its pulses,
  and stands below in FAMILIES.
* A handler takes ``at: AtDesk`` (who is signed in: ``at.viewer``; the command line's means:
  ``at.inbox``, ``at.gate``), ``process: UUID = Process`` for an id in its path, and, for a form,
  ``fields: Posted``, which refuses what is not our own form. Nobody signed in: led to the sign-in.
* Read through the desk of the process (``ProcessDesk(at, KIND).seen``), never past it: it raises
  NotFoundError for whoever may not see it. Raise refusals; `portal.errors` has a page for each.
* Forms are given by `portal.acts`: one `Act` a form in a table ``ACTS``, and ``route(...)`` with
  what lays out the page's `Sheet`. A form without an entry there has a handler of its own, which
  ends with ``take(...)``. It counts a form once, leads to a fresh sign-in and back with what was
  typed, shows the page again with what is wrong (422), changed (409) or away (503), and leads on
  to ``?done=name``. The page starts from ``**opened(request, at, TOLD)`` and ``**kept(...)``.
* ``page(request, "folder/page.html", ...)`` renders. Its template extends layout.html, takes its
  pieces from parts.html (badge, filter, clock, quotation, empty, timeline, problem, marks, first;
  import them ``with context``), and writes ``{{ tokens("/path/{process}/act") }}`` with the route
  as the handler wrote it into each form. Facts that every template has: viewer, speech, now, done,
  wrong (sentence by field), typed (values by field), live (name of a pulse: the page stays live).
  Instants: ``|moment`` in lists, ``|when`` in full. Lists: ul.rows > li.row. Facts: dl.facts.
* Texts stand in ``_("...")`` and, in Python, ``N_("...")`` with ``speech.say``; new statuses,
  events and mails get their words in `portal.vocabulary`, new field codes in `portal.sentences`.
  `make texts` collects; all of de, es and fr must then be translated (tests say what is missing).
* Each new page is added to its scene below tests/portal/scenes, which gives it its pictures and
  its check for accessibility, light, dark and as wide as a phone.
"""

from portal.families import Family
from portal.pages import (
    account,
    audit,
    codec,
    contacts,
    customers,
    decisions,
    home,
    machine,
    mailbox,
    new_onboarding,
    new_request,
    newcomers,
    onboardings,
    pairing_forms,
    pairings,
    passkeys,
    provider,
    requests,
    sign_in,
    site_users,
    sites,
)

FAMILIES: tuple[Family, ...] = (
    home.FAMILY,
    new_request.FAMILY,  # before the requests: "new" is no number of one
    requests.FAMILY,
    decisions.FAMILY,
    pairing_forms.FAMILY,  # before the pairings, for the same reason
    pairings.FAMILY,
    customers.FAMILY,
    sites.FAMILY,
    site_users.FAMILY,
    contacts.FAMILY,
    new_onboarding.FAMILY,  # before the onboardings: "new" is no number of one
    onboardings.FAMILY,
    audit.FAMILY,
    account.FAMILY,
    sign_in.FAMILY,
    newcomers.FAMILY,
    passkeys.FAMILY,
    provider.FAMILY,
    machine.FAMILY,
    codec.FAMILY,
    mailbox.FAMILY,
)
