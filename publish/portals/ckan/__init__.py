"""The CKAN portal: datasets, files and DataStore tables, written through CKAN's action API.

How a version takes its place. What the public sees of files and metadata changes in one call, ``package_revise``,
which carries the changed files, all metadata and the list of resources together. A dataset that is new is filled
while it is private, looked at, and made public by the last call.

The DataStore table is apart from the files and cannot change in the same call. It follows right after, by the rows
that differ: at most a few calls, each of which is a transaction. A note in the table's own data dictionary says
whose rows it holds, and is taken away before the first of these calls: a table without the note is compared with
the release row by row and completed, so a run that was killed anywhere is finished by the next.

What CKAN itself cannot promise: it writes the files of one call one after the other and commits then. Should it
die in between, some files are new while the metadata are old; the next run sends all of them again, because the
sums on the portal are still the old ones. The CSV, normally the largest, comes first, so a file that is too large
is refused before any other was written.

What others did is respected where it is theirs: datasets without our mark are refused, resources and extras that
are not ours stay, organisations are created if missing and never changed.
"""

from __future__ import annotations

from publish.portals.ckan.portal import CkanPortal as CkanPortal
