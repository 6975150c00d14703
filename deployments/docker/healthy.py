"""Container health: `healthy.py URL [TEXT]` succeeds when the URL answers 200 and its answer holds the text."""

import sys
from urllib.request import urlopen

url, text = sys.argv[1], (sys.argv[2:] or [""])[0]
try:
    with urlopen(url, timeout=4) as answer:  # noqa: S310 - the compose file's own http URLs
        body = answer.read().decode(errors="replace")
except OSError as error:
    sys.exit(f"{url}: {error}")
if text not in body:
    sys.exit(f"{url} answers without {text!r}")
