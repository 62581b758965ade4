"""HTTP to Django, sockets to the rooms: signed-in users of our own pages only."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.config.settings")

from django.core.asgi import get_asgi_application

# Before any room is imported: it fills Django's registry.
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

import emotion.urls  # noqa: E402
import interviews.urls  # noqa: E402
import reports.urls  # noqa: E402
from clinic.config.bodies import LimitedBodies  # noqa: E402

socket_patterns = [*interviews.urls.socket_patterns, *emotion.urls.socket_patterns, *reports.urls.socket_patterns]
sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(socket_patterns)))
application = ProtocolTypeRouter({"http": LimitedBodies(http), "websocket": sockets})
