"""The folder portal: pages and files that any web server can serve, and that open without one.

``<root>/index.html`` lists the datasets, ``<root>/datasets/<name>/`` holds a dataset's page and files under names
that never change, ``<root>/catalog.jsonld`` describes all of them in DCAT.

A dataset's folder is built beside the standing one, with links to the files that stay as they are, and takes its
place in one step: whoever looks sees the old version or the new one. What a killed run left behind lies in
``<root>/.work`` and is removed by the next.
"""

from publish.portals.folder.portal import FolderPortal as FolderPortal
