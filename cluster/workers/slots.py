"""Which workers a study gets on a cluster of a given size. Imports no Ray, and starts nothing."""

from dataclasses import dataclass
from itertools import zip_longest

from cluster.spec.study_spec import WorkersSpec
from mnist_core.context import DeviceKind
from mnist_core.errors import ClusterUnavailable, DeviceUnavailable


@dataclass(frozen=True)
class Slot:
    """A place for one worker.

    Attributes:
        name: e.g. "cpu-0".
        device: the kind of context that its worker owns.
        gpu_share: the share of a GPU that it takes; 0 for a CPU worker.
        optional: whether the study continues without it if its device is unavailable.
        replacement: the slot that takes its CPU if it is given up; None if there is no such CPU.
    """

    name: str
    device: DeviceKind
    gpu_share: float = 0.0
    optional: bool = False
    replacement: "Slot | None" = None


def slots_for(workers: WorkersSpec, cluster_cpus: int, cluster_gpus: int, trials: int) -> list[Slot]:
    """Returns the slots that a spec asks for on a cluster of this size, but never more slots than trials.

    With `auto`, every GPU gets its workers, which are optional, and every remaining CPU gets one. A CPU that an
    optional worker leaves is the one of its `replacement`. Of the workers beyond the trials, those of `auto` are left
    out first, then the CPU workers.

    Raises:
        DeviceUnavailable: the spec asks for more GPUs than there are.
        ClusterUnavailable: no worker could run there, or CPU workers were asked for and there is no CPU.
    """
    if workers.gpu != "auto" and workers.gpu > cluster_gpus:
        raise DeviceUnavailable(
            f"workers.gpu is {workers.gpu}, but the cluster offers {cluster_gpus} GPUs: "
            "ask for at most that many, or use auto"
        )
    optional = workers.gpu == "auto"
    gpus = cluster_gpus if workers.gpu == "auto" else workers.gpu
    gpu_workers = min(trials, gpus * int(1 / workers.gpu_fraction))
    if workers.cpu == "auto":
        cpu_workers = min(trials - gpu_workers, max(0, cluster_cpus - gpu_workers))
        replacements = min(trials, cluster_cpus) - cpu_workers if optional else 0
    else:
        if optional:
            gpu_workers = min(gpu_workers, max(0, trials - workers.cpu))
        cpu_workers, replacements = min(workers.cpu, trials - gpu_workers), 0
    _check_any_can_run(workers, cluster_cpus, cluster_gpus, gpu_workers, cpu_workers)
    replacing = [Slot(f"cpu-{cpu_workers + index}", "cpu") for index in range(replacements)]
    return [
        *(
            Slot(f"gpu-{index}", "gpu", workers.gpu_fraction, optional, replacement)
            for index, replacement in zip_longest(range(gpu_workers), replacing)
        ),
        *(Slot(f"cpu-{index}", "cpu") for index in range(cpu_workers)),
    ]


def _check_any_can_run(
    workers: WorkersSpec, cluster_cpus: int, cluster_gpus: int, gpu_workers: int, cpu_workers: int
) -> None:
    """Rejects workers that would wait forever."""
    if gpu_workers + cpu_workers > 0 and (cluster_cpus > 0 or cpu_workers == 0):
        return
    remedy = "raise workers.cpu" if workers.cpu == 0 else "add a node with a CPU (`ray start --num-cpus 1`)"
    raise ClusterUnavailable(
        f"no worker can run: workers.cpu is {workers.cpu} and workers.gpu is {workers.gpu}, "
        f"but the cluster offers {cluster_cpus} CPUs and {cluster_gpus} GPUs: {remedy}, or run without Ray (--local)"
    )
