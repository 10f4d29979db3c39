"""The CKAN portal: datasets, files and DataStore tables, written through CKAN's action API.

How a version takes its place. What the public sees of files and metadata changes in one call, ``package_revise``,
which carries the changed files, all metadata and the list of resources together. A dataset that is new is filled
while it is private, looked at, and made public by the last call.

The DataStore table is apart from the files and cannot change in the same call. It follows right after, by the rows
that differ: at most a few calls, each of which is a transaction. A note in the table's own data dictionary says
whose rows it holds, and is taken away before the first of these calls: a table without the note is compared with
the release row by row and completed, so a run that was killed anywhere is finished by the next.

The versions that are kept stand beside the latest files, a ZIP each at an address of its own. They are added after
the switch, a few a call, so a home with hundreds of versions may be cut short anywhere; one that stands is neither
built nor sent nor downloaded again, because what it was made of is noted with it.

A file counts as arrived when it was downloaded and had the right sum; then the time at which the portal says it
came is noted with it. A file that came at another time, whoever sent it, is downloaded and compared: other bytes
of the same size are seen, and a run that died between a switch and its verification is verified by the next.

What CKAN itself cannot promise: it writes the files of one call one after the other and commits then. Should it
die in between, some files are new while the metadata are old; the next run sends all of them again, because the
sums on the portal are still the old ones. The CSV, normally the largest, comes first, so a file that is too large
is refused before any other was written.

What others did is respected where it is theirs (``managed`` says what is ours): a dataset without our mark is
held, words that were changed by hand stay until somebody decides, what says something of the data is put right and
told. Datasets, organisations and groups are known by ids, whatever they are called by now; organisations and
groups are created if missing and never changed. A dataset that somebody deleted or made private stays so, and so
does one that was purged, of which CKAN keeps nothing and the home knows that it was published to this address; one
that we made and did not complete bears a mark until the call that shows it, and is ours to complete.
"""

from __future__ import annotations

from publish.portals.ckan.portal import CkanPortal as CkanPortal
