"""Write a revision for an app that a package ships: ``python -m lback.migrations.package_revision auth_app``.

For those who work on such a package, from an editable install: the file is put beside the others in its source. The
models are compared with what the app's revisions make of an empty SQLite database in memory.
"""

import sys
from collections.abc import Sequence

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from lback.core.apps import resolve_apps
from lback.migrations.making import Answers, Maker
from lback.migrations.revisions import History
from lback.migrations.runner import upgrade


def main(arguments: Sequence[str]) -> int:
    """Write the revision for the app that is named, with the further words as its message."""
    if not arguments:
        sys.stderr.write("Expected the label of an app, and perhaps a few words on what changes.\n")
        return 2
    label, *words = arguments
    apps = resolve_apps([label])
    for app in apps:
        app.import_models()
    engine = create_engine("sqlite://", poolclass=StaticPool)
    upgrade(engine, History(apps), report=lambda line: None)
    paths = Maker(engine, apps, [label]).make(" ".join(words), Answers(allow_data_loss=True, no_rename=True))
    sys.stdout.write("".join(f"Wrote {path}\n" for path in paths) or "No changes detected.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
