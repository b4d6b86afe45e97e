"""Exit with 0 if the daemon in this container answers, else with 1 and the reason.

DRIFTD_HEALTHCHECK_URL names another address than http://127.0.0.1:9877/-/healthy, as with TLS. The
certificate is not checked, since it is made for another name than 127.0.0.1. That a password is asked for
(401) is an answer.
"""

import os
import ssl
import sys
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

URL = os.environ.get("DRIFTD_HEALTHCHECK_URL") or "http://127.0.0.1:9877/-/healthy"
TIMEOUT_SECONDS = 5.0


def problem(url: str) -> str | None:
    """What is wrong, or None. No proxy is asked: the address is this container's own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS):
            return None
    except HTTPError as error:
        return None if error.code == HTTPStatus.UNAUTHORIZED else str(error)
    except (OSError, ValueError) as error:
        return str(error)


if __name__ == "__main__":
    found = problem(URL)
    sys.exit(None if found is None else f"{URL}: {found}")
