"""The description of the machine that goes with the figures of a benchmark."""

import json

from jobs.bench.host import this_host


def test_host_has_processor_cores_memory_and_versions() -> None:
    host = json.loads(json.dumps(this_host().as_json()))

    assert host["cpu"]
    assert host["cores"] > 0
    assert host["memory_gib"] > 0
    assert host["packages"]["ray"] in str(this_host())
