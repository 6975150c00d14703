"""`python -m ecommerce.services.fetch`, part of `make install`: get into the cache, once, what PyPI does not have."""

import sys

from ecommerce.errors import EcommerceError
from ecommerce.jars import archive_jars, hadoop_jars
from ecommerce.java import java_home
from ecommerce.settings import get_settings


def main() -> None:
    """Fetch the jars and, where there is none, a Java. What cannot be had is said and left to `ecommerce up`."""
    settings = get_settings()
    for what, fetch in (
        ("Java", lambda: java_home(settings)),
        ("Hadoop", lambda: hadoop_jars(settings.cache)),
        ("Iceberg", lambda: archive_jars(settings.cache)),
    ):
        try:
            fetch()
        except EcommerceError as error:
            print(f"{what}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
