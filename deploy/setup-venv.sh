#!/bin/sh
# Creates .venv from requirements.lock, or says in one sentence what is missing. Called by the Makefile.
# PYTHON=... names the interpreter; the default is the first supported one of python3.11, python3.10 and python3.
set -eu

fail() {
    echo "mxtrials cannot be set up: $*" >&2
    exit 1
}

# Runs the interpreter instead of looking for its file: a pyenv shim exists even for versions that are not active.
version_of() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null || true
}

is_supported() {
    case "$(version_of "$1")" in 3.10.* | 3.11.*) ;; *) return 1 ;; esac
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.11 python3.10 python3; fi
    for candidate; do
        if is_supported "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    found=$(version_of "${PYTHON:-python3}")
    fail "it needs Python 3.10 or 3.11, but ${PYTHON:-python3} is ${found:-missing};" \
        "install python3.11 or name one with: make PYTHON=/path/to/python3.11 ..."
}

check_platform() {
    platform=$(uname -sm)
    [ "$platform" = "Linux x86_64" ] || fail "MXNet 1.9.1 has wheels for Linux on x86_64 only, and this is $platform;" \
        "use the container image in deploy/ instead."
}

check_venv_module() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$1 has no venv module; on Debian and Ubuntu: apt-get install $(version_of "$1" | sed 's/\(.*\)\..*/python\1-venv/')"
}

check_system_libraries() {
    missing=$("$1" - <<'PY'
import ctypes
packages = {"libgomp.so.1": "libgomp1", "libquadmath.so.0": "libquadmath0"}
def is_missing(library):
    try:
        ctypes.CDLL(library)
    except OSError:
        return True
    return False
print(" ".join(package for library, package in packages.items() if is_missing(library)))
PY
    )
    [ -z "$missing" ] || fail "MXNet needs the system libraries libgomp.so.1 and libquadmath.so.0;" \
        "on Debian and Ubuntu: apt-get install $missing"
}

check_platform
python=$(find_python)
check_venv_module "$python"
check_system_libraries "$python"

echo "Setting up .venv with Python $(version_of "$python"): about 130 packages, one or two minutes, once."
"$python" -m venv --clear .venv
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock ||
    fail "pip could not install requirements.lock; see its message above."
