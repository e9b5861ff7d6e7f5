"""The error for a library that the dynamic loader did not find."""

import pytest

from mnist_core.system_libraries import DEBIAN_PACKAGES, missing_library


@pytest.mark.parametrize(("library", "package"), DEBIAN_PACKAGES.items())
def test_missing_library_names_its_debian_package(library: str, package: str) -> None:
    reason = f"{library}: cannot open shared object file: No such file or directory"
    assert (
        str(missing_library(OSError(reason))) == f"MXNet cannot load {library} ({reason}): `apt-get install {package}`"
    )


def test_missing_library_of_unknown_origin_refers_to_the_doctor() -> None:
    assert str(missing_library(OSError("libcuda.so.1: cannot open"))).endswith(": `mxtrials doctor` says more")
