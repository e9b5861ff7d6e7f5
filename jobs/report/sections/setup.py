"""How the study was set up: its spec beside the defaults, and the environment."""

import json
from collections.abc import Mapping
from typing import Any

from cluster.analysis.spec_changes import spec_fields
from jobs.report.formats import DASH
from jobs.report.section import Section
from jobs.report.study import ReportedStudy


def setup(study: ReportedStudy) -> Section:
    """Returns the section."""
    fields = spec_fields(study.record.summary.spec)
    return Section(
        "setup",
        "Spec and environment",
        "setup.html.j2",
        {
            "changed": [field for field in fields if not field.is_default],
            "unchanged": [field for field in fields if field.is_default],
            "environment": list(_flat(study.record.environment)),
        },
    )


def _flat(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the environment's entries, the versions of the packages among them."""
    packages = environment.get("packages")
    others = [(name.replace("_", " "), _text(value)) for name, value in environment.items() if name != "packages"]
    if not isinstance(packages, Mapping):
        return others
    return [*others, *((str(name), str(version)) for name, version in packages.items() if version)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else DASH if value is None else json.dumps(value)
