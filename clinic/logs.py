"""What must not stand in a log: a link that still lets somebody in."""

import logging
import re

LIVE_LINKS = re.compile(r"(/invitations/|/accounts/password/reset/key/)[^/\s\"']+")


class WithoutLiveLinks(logging.Filter):
    """Writes "…" for the part of an address that is as good as a password."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if LIVE_LINKS.search(said):
            record.msg, record.args = LIVE_LINKS.sub(r"\1…", said), ()
        return True
