"""Draws the results of single commands: predictions, test scores, the data cache, a reproduction."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cluster.run_dir.shell import shell_command
from jobs.tables import table

if TYPE_CHECKING:  # `mxtrials data` needs no MXNet
    from jobs.study.best_model import ImagePrediction
    from jobs.study.reproduction import Reproduction
    from mnist_core.data.cache import CacheReport
    from mnist_core.measurement import ConfusionMatrix
    from mnist_core.model.metrics import Scores
    from mnist_core.model.prediction import Prediction
    from mnist_core.model.saved_model import ModelCard


def draw_predictions(images: "Sequence[ImagePrediction]", console: Console) -> None:
    """Draws what the model predicts for each image: the digit, its probability, and the two next probable digits."""
    columns = ("image", "digit", "probability", "next", "parity")
    drawn = table(*columns, left=columns)
    for image in images:
        if image.prediction is not None:
            drawn.add_row(escape(image.image), *_prediction_cells(image.prediction))
    console.print(drawn)


def _prediction_cells(seen: "Prediction") -> tuple[str, str, str, str]:
    """Returns the cells of a prediction, as `draw_predictions` names them."""
    ranked = sorted(enumerate(seen.probabilities), key=lambda pair: -pair[1])
    others = ", ".join(f"{digit} ({probability:.3f})" for digit, probability in ranked[1:3])
    parity = f"{seen.parity} ({seen.parity_probability:.3f})" if seen.parity else ""
    return f"[bold]{seen.digit}[/]", f"{seen.probability:.3f}", others, parity


def draw_scores(card: "ModelCard", scores: "Scores", console: Console) -> None:
    """Draws how well a model does on the test images: metrics, and a confusion matrix for each head."""
    images = sum(map(sum, next(iter(scores.confusion.values()))))
    console.print(f"[bold]{card.model.kind}[/] of trial {card.trial} on {images:,} test images", highlight=False)
    metrics = {name.removeprefix("test/"): value for name, value in scores.as_metrics("test").items()}
    width = max(map(len, metrics))
    for name, value in metrics.items():
        console.print(f"{name:<{width}}  {value:.4f}", highlight=False)
    for head, counts in scores.confusion.items():
        console.print(f"\n[dim]{head}: rows are labels, columns predictions, recall and precision are in %[/]")
        console.print(_confusion_table(head, card.classes[head], counts))
        if mistakes := _worst_mistakes(counts):
            names = card.classes[head]
            listed = ", ".join(f"{names[label]} as {names[seen]} ({number})" for number, label, seen in mistakes)
            console.print(f"[dim]most often wrong:[/] {listed}", highlight=False)


def _confusion_table(head: str, names: Sequence[str], counts: "ConfusionMatrix") -> Table:
    """Returns a table whose rows are labels and whose columns are predictions, with errors highlighted."""
    drawn = table(head, *names, "recall", left=(head,))
    worst = {(label, seen) for _, label, seen in _worst_mistakes(counts)}
    for label, row in enumerate(counts):
        cells = [_count_cell(number, label == seen, (label, seen) in worst) for seen, number in enumerate(row)]
        drawn.add_row(names[label], *cells, _share(row[label], sum(row)))
    columns = list(zip(*counts, strict=True))
    precisions = [_share(column[seen], sum(column)) for seen, column in enumerate(columns)]
    drawn.add_row("[dim]precision[/]", *(f"[dim]{share}[/]" for share in precisions))
    return drawn


def _count_cell(number: int, is_right: bool, is_frequent: bool) -> str:
    if is_right:
        return f"[green]{number}[/]"
    style = "dim" if not number else "bold red" if is_frequent else "yellow"
    return f"[{style}]{number or '.'}[/]"


def _worst_mistakes(counts: "ConfusionMatrix", most: int = 3) -> list[tuple[int, int, int]]:
    """Returns the most frequent mistakes, each as its number, label and prediction."""
    wrong = [
        (number, label, seen)
        for label, row in enumerate(counts)
        for seen, number in enumerate(row)
        if label != seen and number
    ]
    return sorted(wrong, key=lambda mistake: -mistake[0])[:most]


def _share(part: int, whole: int) -> str:
    """Returns a share in percent; "100" without a digit after the point, so that columns stay narrow."""
    return f"{100 * part / whole:.1f}".replace("100.0", "100") if whole else ""


_READ_EXPORT = {
    "optuna": ("optuna-dashboard", "sqlite:///{file}"),
    "mlflow": ("mlflow", "ui", "--backend-store-uri", "sqlite:///{file}"),
}
"""The command that shows an export."""


def draw_export(name: str, files: Sequence[Path], console: Console) -> None:
    """Draws which files an export wrote, and the command that shows them if there is one."""
    for file in files:
        console.print(str(file), highlight=False, markup=False, soft_wrap=True)
    if name in _READ_EXPORT:
        program, *words = _READ_EXPORT[name]
        command = shell_command(program, *(word.format(file=files[0]) for word in words))
        console.print(f"show it with: {command}", highlight=False, markup=False, soft_wrap=True)


def draw_cache(report: "CacheReport", console: Console) -> None:
    """Draws where the data cache is, and how many images of each digit it holds."""
    if report.damage:
        console.print(f"[yellow]the cache was damaged and has been rebuilt:[/] {report.damage}")
    done = "built" if report.built else "checked"
    console.print(f"{done} {report.path} ({report.size_bytes / 1e6:.1f} MB)", highlight=False, soft_wrap=True)
    console.print(f"fingerprint {report.fingerprint}", highlight=False, soft_wrap=True)
    if report.warning:
        console.print(f"warning: {report.warning}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    drawn = table("", *map(str, range(len(report.train_counts))), "all", left=("",))
    for name, counts in (("train", report.train_counts), ("test", report.test_counts)):
        drawn.add_row(name, *map(str, counts), str(sum(counts)))
    console.print(drawn)


def draw_reproduction(reproduction: "Reproduction", console: Console) -> None:
    """Draws how a retrained trial compares with its record."""
    for line in _reproduction_lines(reproduction):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _reproduction_lines(reproduction: "Reproduction") -> Iterator[str]:
    trial = reproduction.trial
    tolerance = reproduction.tolerance
    yield f"trial {trial.number}, {trial.model}, {trial.state.value}, retrained on this CPU"
    equal = "equal" if tolerance is None else f"similar (within {tolerance:.0%}, but so may other trials be)"
    yield f"epochs   {reproduction.equal_epochs} of {reproduction.epochs} {equal} in {', '.join(reproduction.metrics)}"
    if tolerance is not None:
        workers = ", ".join(reproduction.workers)
        yield f"weights  not compared: it was trained on {workers}, and GPUs round differently"
    elif reproduction.weights_sha256 is None:
        yield "weights  not compared: only those of complete trials are recorded"
    else:
        verdict = "equal" if reproduction.has_equal_weights else "different"
        yield f"weights  {verdict}, SHA-256 {reproduction.weights_sha256}"
