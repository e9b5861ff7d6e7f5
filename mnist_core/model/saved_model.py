"""A trained model on disk in MXNet's own format, for `mx.mod.Module.load`, with a card that describes it."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from mnist_core.atomic_file import write_atomically, write_errors
from mnist_core.config import FrozenModel, ModelConfig, TrainingConfig
from mnist_core.context import mx
from mnist_core.errors import CheckpointError
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, Vector, weights_sha256

EPOCH = 0
"""The `epoch` of `mx.mod.Module.load(prefix, epoch)`."""


class ModelCard(FrozenModel):
    """Describes a saved model.

    Attributes:
        trial: the number of the trial that trained it.
        model: the network.
        training: how it was trained.
        params: dotted name -> the value that the search chose.
        metrics: the metrics of its last epoch.
        test: its metrics on the test set, if it was scored.
        classes: head name -> the names of its classes, in the order of its outputs.
        weights_sha256: SHA-256 of the flat weights.
        data_fingerprint: SHA-256 of the images and labels that it was trained and tested on.
    """

    trial: int
    model: ModelConfig
    training: TrainingConfig
    params: dict[str, JsonValue]
    metrics: dict[str, float]
    test: dict[str, float] | None
    classes: dict[str, tuple[str, ...]]
    weights_sha256: str
    data_fingerprint: str


def save_model(prefix: Path, card: ModelCard, weights: Vector) -> None:
    """Writes `<prefix>-symbol.json`, `<prefix>-0000.params` and, last, the card as `<prefix>.json`.

    Args:
        prefix: the path to give to `mx.mod.Module.load`; its folder is created.
        card: describes the model.
        weights: (P,) float32, flat.

    Raises:
        CheckpointError: the weights are not those of the card.
        NotWritable: the folder or the disk is not writable.
    """
    if weights_sha256(weights) != card.weights_sha256:
        raise CheckpointError(f"{prefix} is not saved: the SHA-256 of its weights differs from the one in its card")
    network = build_network(card.model)
    params = _params_content(Layout.of(network.parameter_shapes()).unpack(weights))
    saved = _SavedCard(**card.model_dump(), params_sha256=hashlib.sha256(params).hexdigest())
    with write_errors(prefix.parent, "choose another folder", verb="created"):
        prefix.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(_symbol_file(prefix), network.symbol.tojson().encode())
    write_atomically(_params_file(prefix), params)
    write_atomically(_card_file(prefix), saved.model_dump_json(indent=2).encode())


def load_model(prefix: Path) -> tuple[ModelCard, Vector]:
    """Reads a saved model.

    Returns:
        its card, and its weights, (P,) float32, flat.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    saved = _read_card(prefix)
    path = _params_file(prefix)
    params = _read(path)
    # Checked before MXNet reads it: if a shape is damaged, MXNet may allocate all available memory.
    if hashlib.sha256(params).hexdigest() != saved.params_sha256:
        raise CheckpointError(f"{path} is damaged: its SHA-256 differs from the one in {_card_file(prefix).name}")
    layout = Layout.of(build_network(saved.model).parameter_shapes())
    arrays = {name.removeprefix("arg:"): array.asnumpy() for name, array in mx.nd.load_frombuffer(params).items()}
    if {name: array.shape for name, array in arrays.items()} != dict(layout.shapes):
        raise CheckpointError(f"{path} does not contain the network that {_card_file(prefix).name} describes")
    return saved.card(), layout.pack(arrays)


def load_card(prefix: Path) -> ModelCard:
    """Reads only the card of a saved model.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    return _read_card(prefix).card()


def read_symbol(prefix: Path) -> str:
    """Reads the saved network as MXNet's JSON.

    Raises:
        CheckpointError: it is missing.
    """
    return _read(_symbol_file(prefix)).decode()


class _SavedCard(ModelCard):
    """A card as it is on disk, with the SHA-256 of the weights file."""

    params_sha256: str

    def card(self) -> ModelCard:
        return ModelCard(**self.model_dump(exclude={"params_sha256"}))


def _read_card(prefix: Path) -> _SavedCard:
    path = _card_file(prefix)
    try:
        return _SavedCard.model_validate_json(_read(path))
    except ValidationError as err:
        raise CheckpointError(f"{path} is damaged: it is not the card of a model") from err


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as err:
        raise CheckpointError(f"{path} is missing: the saved model is incomplete") from err
    except OSError as err:
        raise CheckpointError(f"{path} cannot be read ({err.strerror}): fix its permissions") from err


def _params_content(parameters: Mapping[str, Vector]) -> bytes:
    """Returns what MXNet writes for these parameters. It only writes to paths, so this path leads to memory."""
    with os.fdopen(os.memfd_create("params"), "rb") as memory:
        arrays = {f"arg:{name}": mx.nd.array(value) for name, value in parameters.items()}
        mx.nd.save(f"/proc/self/fd/{memory.fileno()}", arrays)
        return memory.read()


def _symbol_file(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}-symbol.json")


def _params_file(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}-{EPOCH:04d}.params")


def _card_file(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.json")
