"""Forms of a Ray cluster's address, and what the others are answered."""

import pytest

from cluster.ray_backend.address import parse_address
from mnist_core.errors import AddressError


@pytest.mark.parametrize("address", ["auto", "127.0.0.1:6379", "head.example_1.org:1", "h-1:65535", "[::1]:6379"])
def test_address_of_a_cluster_is_taken_as_it_is(address: str) -> None:
    assert parse_address(address, "--address") == address


def test_local_asks_for_a_new_cluster() -> None:
    assert parse_address("local", "RAY_ADDRESS") is None


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://10.0.0.1:8265", ["dashboard", "--address 10.0.0.1:6379", "ray job submit"]),
        ("https://head/path", ["dashboard", "--address head:6379"]),
        ("HTTP://[::1]:8265", ["dashboard", "--address [::1]:6379"]),
        ("http://", ["dashboard", "--address host:6379"]),
        ("http://[x", ["dashboard", "--address host:6379"]),
        ("ray://head:10001", ["remote clients", "does not support", "--address head:6379"]),
        ("tcp://head:6379", ["leave out tcp://", "--address head:6379"]),
        ("redis://", ["leave out redis://", "--address host:6379"]),
        ("head", ["has no port", "--address head:6379"]),
        ("head:", ["has no port", "--address head:6379"]),
        ("10.0.0.1", ["has no port", "--address 10.0.0.1:6379"]),
        ("head:gcs", ["port is not a number", "--address head:6379"]),
        ("head:0", ["from 1 to 65535"]),
        ("head:65536", ["from 1 to 65535"]),
        ("head:" + "9" * 5000, ["from 1 to 65535"]),
        ("head:\N{SUPERSCRIPT TWO}", ["port is not a number"]),
        ("head:6379/path", ["port is not a number"]),
        (":6379", ["not a host and its port"]),
        ("my head:6379", ["not a host and its port"]),
        (" head:6379", ["not a host and its port"]),
        ("a,b:6379", ["not a host and its port"]),
        ("::1:6379", ["not a host and its port"]),
        ("[head]:6379", ["not a host and its port"]),
        ("", ["give the address of a Ray cluster", "leave it out"]),
        ("\t ", ["give the address of a Ray cluster", "leave it out"]),
    ],
)
def test_other_address_is_rejected_with_the_form_to_use(address: str, words: list[str]) -> None:
    with pytest.raises(AddressError) as raised:
        parse_address(address, "RAY_ADDRESS")
    assert str(raised.value).startswith(f"RAY_ADDRESS is {address!r}")
    for word in words:
        assert word in str(raised.value)
