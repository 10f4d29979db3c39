"""CKAN as a WSGI application for gunicorn; the variable CKAN_INI names its configuration file."""

import os

from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

application = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())
