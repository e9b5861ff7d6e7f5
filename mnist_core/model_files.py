"""A trained model on disk in MXNet's own format, so that `mx.mod.Module.load` opens it, with a card that describes it."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from mnist_core.atomic_file import write_atomically
from mnist_core.config import FrozenModel, ModelConfig, TrainingConfig
from mnist_core.context import mx
from mnist_core.errors import CheckpointError
from mnist_core.networks import build_network
from mnist_core.parameters import Vector, lay_out

EPOCH = 0
"""The number that `mx.mod.Module.load(prefix, epoch)` is given."""

CLASS_NAMES: Mapping[str, tuple[str, ...]] = {
    "digit": tuple(str(digit) for digit in range(10)),
    "parity": ("even", "odd"),
}


class ModelCard(FrozenModel):
    """What a saved model is.

    Attributes:
        trial: the number of the trial that trained it.
        params: what the search chose for it, by dotted name.
        metrics: of its last epoch; `test`: on the test set.
        classes: by head, the names of its outputs in their order.
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
        prefix: the path that `mx.mod.Module.load` is given; its folder is made.
        card: what the model is.
        weights: (P,) float32, flat.

    Raises:
        NotWritable: the folder or the disk refuses.
    """
    network = build_network(card.model)
    parameters = lay_out(network.parameter_shapes()).unpack(weights)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "params"  # MXNet writes to a path only
        mx.nd.save(str(staged), {f"arg:{name}": mx.nd.array(value) for name, value in parameters.items()})
        content = staged.read_bytes()
    write_atomically(_symbol_file(prefix), network.symbol.tojson().encode())
    write_atomically(_params_file(prefix), content)
    write_atomically(_card_file(prefix), card.model_dump_json(indent=2).encode())


def load_model(prefix: Path) -> tuple[ModelCard, Vector]:
    """Reads a saved model.

    Returns:
        its card, and its weights, (P,) float32, flat.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    card = load_card(prefix)
    layout = lay_out(build_network(card.model).parameter_shapes())
    path = _params_file(prefix)
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: the model beside {_card_file(prefix).name} is not whole")
    try:
        saved = {name.removeprefix("arg:"): array.asnumpy() for name, array in mx.nd.load(str(path)).items()}
        return card, layout.pack(saved)
    except (mx.MXNetError, KeyError, ValueError) as err:
        raise CheckpointError(f"{path} is damaged, or not of the model in {_card_file(prefix).name}") from err


def load_card(prefix: Path) -> ModelCard:
    """Reads a saved model's card alone.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    path = _card_file(prefix)
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except FileNotFoundError as err:
        raise CheckpointError(f"{path} is missing: there is no saved model") from err
    except (ValidationError, OSError) as err:
        raise CheckpointError(f"{path} is damaged: it is not the card of a model") from err


def read_symbol(prefix: Path) -> str:
    """The saved network as MXNet's JSON."""
    return _symbol_file(prefix).read_text()


def _symbol_file(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}-symbol.json")


def _params_file(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}-{EPOCH:04d}.params")


def _card_file(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.json")
