"""Releases: immutable versions of a dataset, and what changed from one to the next.

A release is a folder ``releases/<dataset>/<version>/``. It is built in a workspace and moved there as a whole, its
manifest ``release.json`` written last. It becomes official when the ledger names it: a folder that stands there
without being in the ledger is what a killed run left behind, and the next run replaces it by the same bytes.
"""

from publish.release.draft import Draft as Draft
from publish.release.log import changelog as changelog
from publish.release.making import make_release as make_release
from publish.release.manifest import MANIFEST as MANIFEST
from publish.release.manifest import TOMBSTONE as TOMBSTONE
from publish.release.manifest import load_release as load_release
from publish.release.manifest import verify_release as verify_release
from publish.release.showing import desired_dataset as desired_dataset
from publish.release.versions import previous_release as previous_release
from publish.release.versions import release_folder as release_folder
from publish.release.versions import version_label as version_label
from warehouse.releases import BreakingChangeError as BreakingChangeError
from warehouse.releases import ReleaseError as ReleaseError
