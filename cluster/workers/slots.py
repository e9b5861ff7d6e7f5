"""Which workers a study gets on a cluster of a given size. Imports no Ray, and starts nothing."""

from dataclasses import dataclass

from cluster.spec.study_spec import WorkersSpec
from mnist_core.context import DeviceKind
from mnist_core.errors import DeviceUnavailable


@dataclass(frozen=True)
class Slot:
    """A place for one worker.

    Attributes:
        name: e.g. "cpu-0".
        device: the kind of context that its worker owns.
        gpu_share: the share of a GPU that it takes; 0 for a CPU worker.
        optional: whether the study continues without it if its device is unavailable.
    """

    name: str
    device: DeviceKind
    gpu_share: float = 0.0
    optional: bool = False


def slots_for(workers: WorkersSpec, cluster_cpus: int, cluster_gpus: int, trials: int) -> list[Slot]:
    """Returns the slots that a spec asks for on a cluster of this size, but never more slots than trials.

    With `auto`, every GPU gets its workers, which are optional, and every remaining CPU gets one.

    Raises:
        DeviceUnavailable: the spec asks for more GPUs than there are.
    """
    if workers.gpu != "auto" and workers.gpu > cluster_gpus:
        raise DeviceUnavailable(
            f"workers.gpu is {workers.gpu}, but the cluster offers {cluster_gpus} GPUs: "
            "ask for at most that many, or use auto"
        )
    gpus = cluster_gpus if workers.gpu == "auto" else workers.gpu
    gpu_workers = gpus * int(1 / workers.gpu_fraction)
    cpus = max(cluster_cpus - gpu_workers, 0 if gpu_workers else 1) if workers.cpu == "auto" else workers.cpu
    optional = workers.gpu == "auto"
    slots = [
        *(Slot(f"gpu-{index}", "gpu", workers.gpu_fraction, optional) for index in range(gpu_workers)),
        *(Slot(f"cpu-{index}", "cpu") for index in range(cpus)),
    ]
    return slots[:trials]
