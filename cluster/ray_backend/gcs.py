"""Asks a cluster's GCS, the server at its address, whether it is there. Uses gRPC from Python, which fails with a code.

Ray's own client retries for a minute, prints its C++ log on stderr, and then ends the process with exit code 1.
"""

import socket
import time
from threading import Event, Thread

import grpc
import ray
from ray._private.authentication.authentication_utils import is_token_auth_enabled
from ray._private.grpc_utils import init_grpc_channel
from ray._private.services import canonicalize_bootstrap_address_or_die
from ray.core.generated.gcs_service_pb2 import CheckAliveRequest  # type: ignore[attr-defined]
from ray.core.generated.gcs_service_pb2_grpc import NodeInfoGcsServiceStub
from ray.exceptions import AuthenticationError

from cluster.ray_backend.address import DEFAULT_PORT
from mnist_core.errors import ClusterLost, ClusterUnavailable, first_line

# A GCS answers within milliseconds; the rest is for a machine under load.
ANSWERS_WITHIN_S = 5.0
# A question takes 2 ms.
ASK_EVERY_S = 2.0

_NO_PROXY = [("grpc.enable_http_proxy", 0)]  # as Ray's own connections
_TOKEN = "RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token"


def find_cluster(address: str) -> str:
    """Returns the "host:port" of a cluster that answers there, takes this machine's token, and has its version of Ray.

    Args:
        address: "host:port", or "auto" for the cluster that runs on this machine.

    Raises:
        ClusterUnavailable: there is none; the message says why.
    """
    if address == "auto":
        address = _running_cluster()
    _connect(address)
    try:
        version = _ask(address)
    except grpc.RpcError as err:
        raise ClusterUnavailable(_reason(address, err)) from err
    except AuthenticationError as err:
        raise ClusterUnavailable(
            f"this machine has no usable token for the Ray cluster at {address}: copy the head's ~/.ray/auth_token to "
            "the same place here, or set RAY_AUTH_TOKEN_PATH; for a cluster without tokens, set RAY_AUTH_MODE=disabled"
        ) from err
    if version != ray.__version__:
        raise ClusterUnavailable(
            f"the Ray cluster at {address} runs Ray {version or 'of an unknown version'}, but Ray {ray.__version__} "
            "is installed here: install the same version on both"
        )
    return address


def is_alive(address: str) -> bool:
    """Returns whether a GCS answers at "host:port"."""
    try:
        _ask(address)
    except grpc.RpcError:
        return False
    return True


class GcsWatch:
    """A thread that asks the GCS every other second whether it is there.

    A GCS may come back, restarted by Kubernetes. Until then the workers train on; but once the nodes of the cluster
    give up, their workers are lost, so the watch gives up earlier.
    """

    def __init__(self, address: str, node_patience_s: float) -> None:
        """Starts the thread.

        Args:
            address: "host:port".
            node_patience_s: after how many seconds without the GCS the nodes give up.
        """
        self._address = address
        self._patience_s = 0.75 * node_patience_s
        self._silent_s = 0.0
        self._closed = Event()
        self._thread = Thread(target=self._ask_until_closed, daemon=True)
        self._thread.start()

    def answers_now(self) -> bool:
        """Asks the GCS and returns whether it answers."""
        return is_alive(self._address)

    def check(self) -> None:
        """Returns if the GCS has answered lately.

        Raises:
            ClusterLost: it has not.
        """
        if self._silent_s > self._patience_s:
            raise cluster_lost(self._address)

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        self._thread.join()

    def _ask_until_closed(self) -> None:
        asked_s = time.monotonic()
        silent_since_s: float | None = None
        while not self._closed.wait(min(ASK_EVERY_S, self._patience_s / 4)):
            before_s, asked_s = asked_s, time.monotonic()
            # Counted here and not in `check`: after a pause of this process the GCS is asked again first.
            if is_alive(self._address):
                silent_since_s, self._silent_s = None, 0.0
            else:
                silent_since_s = before_s if silent_since_s is None else silent_since_s
                self._silent_s = time.monotonic() - silent_since_s


def cluster_lost(address: str) -> ClusterLost:
    """Returns the error for a cluster that does not answer any more."""
    return ClusterLost(f"the Ray cluster at {address} does not answer any more: restart it, or choose another one")


def _ask(address: str) -> str:
    """Returns the version of Ray that the GCS runs."""
    with init_grpc_channel(address, _NO_PROXY) as channel:
        reply = NodeInfoGcsServiceStub(channel).CheckAlive(CheckAliveRequest(), timeout=ANSWERS_WITHIN_S)
    return str(reply.ray_version)


def _running_cluster() -> str:
    try:
        return str(canonicalize_bootstrap_address_or_die("auto"))
    except (ConnectionError, ValueError) as err:
        raise ClusterUnavailable(
            f"no Ray cluster was found on this machine ({first_line(str(err))}): start one with `ray start --head`, "
            f"or give its address, e.g. --address host:{DEFAULT_PORT}"
        ) from err


def _connect(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN_S).close()
    except (OSError, ValueError, OverflowError) as err:
        raise ClusterUnavailable(
            f"no Ray cluster answers at {address} ({err}): check --address and RAY_ADDRESS, and that it is running"
        ) from err


def _reason(address: str, err: grpc.RpcError) -> str:
    """Returns why the answer was none of a GCS, and what to do."""
    code, details = err.code(), str(err.details())
    host, _, port = address.rpartition(":")
    if code is grpc.StatusCode.UNAUTHENTICATED:
        if not is_token_auth_enabled():
            return f"the Ray cluster at {address} requires a token: set RAY_AUTH_MODE=token, and the token by {_TOKEN}"
        remedy = "get the head's ~/.ray/auth_token, and set RAY_AUTH_TOKEN_PATH to it or replace ~/.ray/auth_token"
        return f"the Ray cluster at {address} rejects this machine's token: {remedy}"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"what listens at {address} has not answered for {ANSWERS_WITHIN_S:.0f} s: check that it is Ray"
    is_web = "http1" in details
    what = "a web server, such as Ray's dashboard," if is_web else "something else"
    example = "" if int(port) == DEFAULT_PORT else f", e.g. --address {host}:{DEFAULT_PORT}"
    tls = "; if it uses TLS, set RAY_USE_TLS=1" if code is grpc.StatusCode.UNAVAILABLE and not is_web else ""
    return f"{what} answers at {address}, not a Ray cluster: give the port of `ray start --head`{example}{tls}"
