"""The layers of the best trial of each kind of network, in the run directory: a report draws them without MXNet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnist_core.atomic_file import write_atomically
from mnist_core.model.layers import Layer

_LARGEST_FILE = 1_000_000


def write_networks(path: Path, networks: Mapping[int, Sequence[Layer]]) -> None:
    """Writes trial number -> its layers in the order of a forward pass, replacing an earlier file.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    document = {str(trial): [asdict(layer) for layer in layers] for trial, layers in networks.items()}
    write_atomically(path, json.dumps(document, indent=1).encode())


def read_networks(path: Path) -> dict[int, tuple[Layer, ...]]:
    """Reads trial number -> its layers; {} if the file is missing or damaged: it can be written again."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return {}
        document = json.loads(path.read_text("utf-8"))
        return {int(trial): tuple(_layer(fields) for fields in layers) for trial, layers in document.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _layer(fields: Mapping[str, Any]) -> Layer:
    return Layer(
        str(fields["name"]),
        str(fields["op"]),
        str(fields["setting"]),
        tuple(map(str, fields["inputs"])),
        tuple(map(int, fields["shape"])),
        int(fields["parameters"]),
        int(fields["flops"]),
    )
