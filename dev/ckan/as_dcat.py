"""What ckanext-dcat makes of packages, without a server: a JSON list of packages in, one of Turtle documents out.

Run by the Python of an environment with CKAN and ckanext-dcat, with the paths of both files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(packages: Path, documents: Path) -> None:
    """Write the documents."""
    import ckan.plugins.toolkit  # noqa: F401  (ckanext-dcat wants it loaded)
    from ckan.common import config
    from ckanext.dcat.processors import RDFSerializer

    config.update({"ckan.site_url": "https://ckan.example", "ckan.root_path": "", "ckan.locale_default": "en"})
    made = [
        RDFSerializer(profiles=["euro_dcat_ap_3"]).serialize_dataset(package, _format="turtle")
        for package in json.loads(packages.read_text(encoding="utf-8"))
    ]
    documents.write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
