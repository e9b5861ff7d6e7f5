"""Checks the form of a Ray cluster's address. Imports no Ray and connects to nothing."""

import re
from contextlib import suppress
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from mnist_core.errors import AddressError

# Where `ray start --head` listens, unless `--port` says otherwise.
DEFAULT_PORT = 6379

_HOST = r"[\w.-]+"
_LAST_PORT = 65_535


def parse_address(address: str, source: str) -> str | None:
    """Returns the address of the cluster to join; None if "local" asks for a new one on this machine.

    Args:
        address: "host:port", "[IPv6]:port", "auto" for the cluster that runs on this machine, or "local".
        source: where the address is from, for messages: "--address" or "RAY_ADDRESS".

    Raises:
        AddressError: it has another form.

    Example:
        >>> parse_address("10.0.0.1:6379", "--address")
        '10.0.0.1:6379'
    """
    if address in ("auto", "local"):
        return None if address == "local" else address
    if problem := _scheme_problem(address) or _form_problem(address):
        raise AddressError(f"{source} is {address!r}{problem}")
    return address


def _scheme_problem(address: str) -> str | None:
    scheme, separator, rest = address.partition("://")
    if not separator:
        return None
    give = f"give the cluster's own address, e.g. --address {_host(address)}:{DEFAULT_PORT}"
    if scheme.lower() in ("http", "https"):
        job = "or submit the study with `ray job submit`, whose jobs need no --address"
        return f", where Ray's dashboard takes jobs: {give}, {job}"
    if scheme.lower() == "ray":
        return f", where Ray takes remote clients, which mxtrials does not support: {give}"
    return f": leave out {scheme}://, as in --address {rest or f'host:{DEFAULT_PORT}'}"


def _form_problem(address: str) -> str | None:
    example = f"--address host:{DEFAULT_PORT}"
    if not address.strip():
        return f": give the address of a Ray cluster, e.g. {example}, or leave it out to start Ray on this machine"
    host, separator, port = address.rpartition(":")
    if not separator or (not port and host):
        return f" and has no port: add it, e.g. --address {_host(address)}:{DEFAULT_PORT}"
    if not (re.fullmatch(_HOST, host) or _is_bracketed_ipv6(host)):
        return f", which is not a host and its port: expected e.g. {example}"
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _LAST_PORT):
        return f", whose port is not a number from 1 to {_LAST_PORT}: expected e.g. --address {host}:{DEFAULT_PORT}"
    return None


def _is_bracketed_ipv6(host: str) -> bool:
    with suppress(ValueError):
        return host[:1] + host[-1:] == "[]" and bool(IPv6Address(host[1:-1]).compressed)
    return False


def _host(address: str) -> str:
    """Returns the host of a URL or of an incomplete address, for an example; "host" if there is none."""
    with suppress(ValueError):
        host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
        if re.fullmatch(_HOST, host):
            return host
        if _is_bracketed_ipv6(f"[{host}]"):
            return f"[{host}]"
    return "host"
