"""Make the sysadmin of a fresh CKAN and print an API token of theirs.

One process instead of three calls of the `ckan` command, each of which boots
CKAN anew; and the password comes from the environment, because arguments of a
command are visible to every user of the machine.
"""

import os

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app


def sysadmin_token(name: str, password: str) -> str:
    """Create the user unless it exists, make it a sysadmin, return a new token."""
    site_user = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    context = {"ignore_auth": True, "user": site_user["name"]}
    if model.User.by_name(name) is None:
        account = {"name": name, "email": f"{name}@localhost.test", "password": password}
        tk.get_action("user_create")(dict(context), account)
    user = model.User.by_name(name)
    user.sysadmin = True
    model.repo.commit()
    return tk.get_action("api_token_create")(dict(context), {"user": name, "name": "dev"})["token"]


if __name__ == "__main__":
    app = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())
    with app._wsgi_app.test_request_context():
        print(sysadmin_token(os.environ["DEVCKAN_ADMIN"], os.environ["DEVCKAN_ADMIN_PASSWORD"]))
