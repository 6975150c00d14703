"""Times of the log in UTC, as in all other logs: `panel serve … --plugins dashboard.log_times`, before other plugins.

Bokeh and Panel each format their lines by themselves, with the machine's time and without its zone.
"""

import logging
import time
from typing import Any

logging.Formatter.converter = time.gmtime
logging.Formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
logging.Formatter.default_msec_format = "%s.%03dZ"

ROUTES: list[tuple[str, type[Any], dict[str, Any]]] = []
