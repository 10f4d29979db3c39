"""A dataset's pages: its own, what changed in it, its versions."""

from publish.portals.folder.pages.dataset import dataset_page, dataset_pages
from publish.portals.folder.rendering import Site

__all__ = ["Site", "dataset_page", "dataset_pages"]
