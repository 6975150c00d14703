"""An import in a process of its own, for tests that kill it: `python -m tests.import_process URI DATABASE PATH…`."""

import sys

from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.mongo import get_database
from ecommerce.settings import Settings


def main() -> None:
    uri, name, *paths = sys.argv[1:]
    options = ImportOptions(max_rejected_share=1.0, processes_from_bytes=0)
    print("started", flush=True)
    import_paths(get_database(Settings(mongo_uri=uri, database=name)), paths, options=options)
    print("done", flush=True)


if __name__ == "__main__":
    main()
