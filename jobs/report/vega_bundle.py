"""The JavaScript that draws the charts: Vega, Vega-Lite and vega-embed, as vl-convert bundles them without a network.

Bundling takes seconds, so the result is kept in the user's cache, under vl-convert's version and with a checksum.
"""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock

from cluster.machine.software import installed_version
from mnist_core.atomic_file import make_folder, write_atomically
from mnist_core.data.cache import default_cache_dir
from mnist_core.errors import NotWritable

_LARGEST_FILE = 10_000_000
# The end of a study bundles in a thread while it scores the test images: the report then waits for it.
_BUNDLING = Lock()


def vega_javascript(cache_dir: Path | None = None) -> str:
    """Returns the JavaScript, which sets `window.vegaEmbed`; it contains no `</script`.

    Args:
        cache_dir: where it is kept; the user's cache of mxtrials by default.
    """
    with _BUNDLING:
        try:
            path = (cache_dir or default_cache_dir()) / f"vega-{installed_version('vl-convert-python')}.js"
        except NotWritable:  # this user has no home folder
            return _bundle()
        kept = _read(path)
        return _bundle_into(path) if kept is None else kept


def _bundle_into(path: Path) -> str:
    script = _bundle()
    with suppress(NotWritable):  # the next report bundles it again
        make_folder(path.parent)
        write_atomically(path, f"{_checksum(script)}\n{script}".encode())
    return script


def _bundle() -> str:
    import vl_convert  # a large library, for the first report only

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", r"<\/script")


def _read(path: Path) -> str | None:
    """Returns the kept JavaScript; None unless it is as it was written."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return None
        checksum, _, script = path.read_text("utf-8").partition("\n")
    except (OSError, ValueError):
        return None
    return script if checksum == _checksum(script) else None


def _checksum(script: str) -> str:
    return sha256(script.encode()).hexdigest()
