"""What is answered if there is no cluster at an address, or one that this machine cannot join."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

import grpc
import pytest
import ray
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.cluster_utils import Cluster
from ray.core.generated.gcs_service_pb2 import CheckAliveReply, CheckAliveRequest  # type: ignore[attr-defined]
from ray.core.generated.gcs_service_pb2_grpc import (
    NodeInfoGcsServiceServicer,
    add_NodeInfoGcsServiceServicer_to_server,
)
from typing_extensions import override

from cluster.ray_backend.gcs import find_cluster, is_alive
from cluster.ray_backend.session import ray_session
from mnist_core.errors import ClusterUnavailable
from tests.support.small_cluster import small_cluster


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket that accepts connections on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"{host}:{port}"


def problem_at(address: str) -> str:
    assert not is_alive(address)
    with pytest.raises(ClusterUnavailable) as raised:
        find_cluster(address)
    return str(raised.value)


def test_address_where_nothing_listens() -> None:
    with listening() as listener:
        address = address_of(listener)
    assert f"no Ray cluster answers at {address} ([Errno 111] Connection refused)" in problem_at(address)


def test_host_that_does_not_exist() -> None:
    assert "no Ray cluster answers at head.invalid:6379 (" in problem_at("head.invalid:6379")


def test_server_that_never_answers() -> None:
    with listening() as listener:
        assert "has not answered for 5 s" in problem_at(address_of(listener))


@contextmanager
def answering(greeting: bytes) -> Iterator[str]:
    """The address of a server that answers every connection with the same bytes."""

    def answer(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # shut down
                return
            with connection:
                connection.sendall(greeting)

    with listening() as listener:
        thread = Thread(target=answer, args=(listener,))
        thread.start()
        try:
            yield address_of(listener)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_server_of_another_protocol() -> None:
    with answering(b"SSH-2.0-OpenSSH_9.9\r\n") as address:
        problem = problem_at(address)
    assert f"something else answers at {address}, not a Ray cluster" in problem
    assert "e.g. --address 127.0.0.1:6379" in problem


def test_web_server_may_be_the_dashboard() -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        assert f"a web server, such as Ray's dashboard, answers at {address}" in problem_at(address)


class OtherVersion(NodeInfoGcsServiceServicer):
    """The GCS of an older Ray, as far as it says which one it is."""

    @override
    def CheckAlive(self, request: CheckAliveRequest, context: grpc.ServicerContext) -> CheckAliveReply:
        return CheckAliveReply(ray_version="2.9.3")


@pytest.fixture
def grpc_server() -> Iterator[grpc.Server]:
    server = grpc.server(ThreadPoolExecutor(1))
    yield server
    server.stop(None).wait()


def test_another_grpc_service(grpc_server: grpc.Server) -> None:
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    assert f"something else answers at 127.0.0.1:{port}" in problem_at(f"127.0.0.1:{port}")


def test_cluster_with_another_version_of_ray(grpc_server: grpc.Server) -> None:
    add_NodeInfoGcsServiceServicer_to_server(OtherVersion(), grpc_server)
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    with pytest.raises(ClusterUnavailable) as raised:
        find_cluster(f"127.0.0.1:{port}")
    assert f"127.0.0.1:{port} runs Ray 2.9.3, but Ray {ray.__version__} is installed here" in str(raised.value)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with small_cluster() as cluster:
        yield cluster


@pytest.mark.slow
def test_cluster_that_can_be_joined_is_found(nodes: Cluster) -> None:
    assert find_cluster(nodes.address) == nodes.address
    assert is_alive(nodes.address)


@pytest.mark.slow
def test_cluster_with_another_version_of_python(nodes: Cluster) -> None:
    client = GcsClient(nodes.address)
    recorded = client.internal_kv_get(b"CLUSTER_METADATA", b"cluster")
    other = {**json.loads(recorded), "python_version": "3.10.1"}
    client.internal_kv_put(b"CLUSTER_METADATA", json.dumps(other).encode(), True, b"cluster")
    try:
        with pytest.raises(ClusterUnavailable) as raised, ray_session(nodes.address, None):
            pass
    finally:
        ray.shutdown()  # it has joined halfway
        client.internal_kv_put(b"CLUSTER_METADATA", recorded, True, b"cluster")
    assert f"runs Ray {ray.__version__} and Python 3.10.1, but this process Ray {ray.__version__}" in str(raised.value)
