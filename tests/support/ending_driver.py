"""A driver that ends at the worst moment for those who read its study."""

from collections.abc import Callable
from pathlib import Path

from cluster.run_dir.paths import RunDir


class RunDirOfEndingDriver(RunDir):
    """A run directory whose driver ends just before it is asked whether there is one, after the store was read."""

    def __init__(self, path: Path, end_driver: Callable[[], object]) -> None:
        """end_driver: ends the driver, and returns when it has ended; called once."""
        super().__init__(path)
        self._end_driver: Callable[[], object] | None = end_driver

    def is_locked(self) -> bool:
        """Ends the driver, if it still runs, then asks whether there is one."""
        if self._end_driver is not None:
            self._end_driver()
            self._end_driver = None
        return super().is_locked()
