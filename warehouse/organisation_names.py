"""Whether a name is an organisation's, or may be a person's.

Lists of those who got public money name sole traders among companies. A sole trader's name is a person's, so
where the two cannot be told apart by the name alone, it is withheld: ``is_organisation`` asks for proof, and is
for lists that are known to name sole traders; ``may_be_person`` looks for signs of a person, and is for lists
that are to name organisations only.

**What it cannot see**: a person's name before a legal form ("Oy Matti Meikäläinen Ab") is the company's name and
stays; in a list that is to name organisations only, a bare "Jane Doe" cannot be told from a firm called so.
"""

from __future__ import annotations

import re

# Words of Finnish, Swedish and English that only organisations have in their names: legal forms first, then
# public bodies and associations. Legal forms as the Finnish register abbreviates them: oy, oyj (companies), ky,
# ay (partnerships), osk (cooperatives), ry (associations), sr (foundations), and in Swedish ab, abp, kb,
# andelslag, rf.
_WORDS = (
    "oy|oyj|ab|abp|ky|kb|ay|osk|andelslag|ry|r\\.y|rf|rs|sr|ltd|limited|llp|plc|cic|inc|gmbh|"
    "kunta|kunnan|kaupunki|kaupungin|kommun|samkommun|stad|landskap|akademi|förbund|förening|stiftelse|"
    "council|university|college|school|academy|trust|foundation|fund|charity|association|society|centre|center|club|"
    "partnership|agency|authority|department|corporation|company|chamber|institute|federation|enterprises?|group|"
    "museum|library|theatre|church|hospital|nhs|services?|network|community|council's|union|project|initiative"
)
# Finnish compounds end with what they are.
_ENDINGS = (
    "kunta|kaupunki|yhtymä|yliopisto|korkeakoulu|koulu|säätiö|keskus|keskuksen|laitos|liitto|yhdistys|seura|"
    "instituutti|opisto|osuuskunta|konserni|yhtiö|virasto|oppilaitos|ministeriö|voimat|kauppakamari|hiippakunta|"
    "hiippakunnan|seurakunta|ympäristökes|toimisto|säätiön"
)
_ORGANISATION = re.compile(rf"(?<!\w)(?:{_WORDS})(?!\w)|(?:{_ENDINGS})(?!\w)", re.IGNORECASE)
# A sole trader's firm (toiminimi), or somebody to whose attention post goes.
_TRADER = re.compile(
    r"(?<!\w)(?:tmi|t:mi|toiminimi|aputoiminimi|f:ma|firma|t/a|trading as)(?!\w)|c/o", re.IGNORECASE
)
_PERSON = re.compile(
    r"^\s*(?:mr|mrs|ms|miss|mx|dr|sir|dame|rev|prof|herra|rouva)\.?\s+\w"  # a title before a name
    r"|^\s*[A-ZÅÄÖ][\w'-]+,\s+[A-ZÅÄÖ][\w'-]+\s*$",  # "Doe, Jane"
    re.IGNORECASE,
)


def is_organisation(name: str) -> bool:
    """Whether it is certain that a name is an organisation's: it says so, and names nobody beside it."""
    return _TRADER.search(name) is None and _ORGANISATION.search(name) is not None


def may_be_person(name: str) -> bool:
    """Whether a name has a sign that it is a person's: a title, "Doe, Jane", or a sole trader's firm.

    Where it also says that it is an organisation's, it is that: "Example College Limited t/a Example Training".
    """
    is_marked = _TRADER.search(name) is not None or _PERSON.search(name) is not None
    return is_marked and _ORGANISATION.search(name) is None
