"""The first ten images that the study trains on."""

from jobs.report.digits import digit_data_uri
from jobs.report.section import Section
from jobs.report.study import ReportedStudy

FIRST_IMAGES = 10


def images(study: ReportedStudy) -> Section:
    """Returns the section."""
    spec = study.record.summary.spec
    first = study.dataset.train if study.dataset is not None else None
    shown = [
        {"uri": digit_data_uri(image), "label": int(label)}
        for image, label in (
            zip(first.images[:FIRST_IMAGES], first.labels[:FIRST_IMAGES], strict=True) if first else ()
        )
    ]
    return Section(
        "images",
        "First images",
        "images.html.j2",
        {
            "images": shown,
            "source": spec.data.source,
            "train": len(first) if first else 0,
            "test": len(study.dataset.test) if study.dataset else 0,
            "holdout": spec.data.holdout,
        },
    )
