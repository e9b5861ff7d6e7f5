"""What the checks of the study found, and what to change."""

from cluster.analysis.health.checks import read_findings
from jobs.report.section import Section
from jobs.report.study import ReportedStudy


def health(study: ReportedStudy) -> Section | None:
    """Returns the section; None if there is nothing to improve."""
    findings = read_findings(study.run_dir, study.record.summary)
    return Section("health", "Checks", "health.html.j2", {"findings": findings}) if findings else None
