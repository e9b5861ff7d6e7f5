"""The JavaScript of the charts: bundled once, kept with a checksum, and never a way out of its script."""

from pathlib import Path

from jobs.report.vega_bundle import vega_javascript


def test_bundle_is_kept_and_bundled_again_if_its_copy_is_damaged(tmp_path: Path) -> None:
    bundled = vega_javascript(tmp_path)
    (kept,) = tmp_path.iterdir()

    assert "vegaEmbed" in bundled
    assert "</script" not in bundled
    assert vega_javascript(tmp_path) == bundled

    kept.write_bytes(kept.read_bytes()[:-1])

    assert vega_javascript(tmp_path) == bundled
    assert kept.read_text().endswith(bundled)


def test_kept_copy_is_what_is_read(tmp_path: Path) -> None:
    vega_javascript(tmp_path)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    vega_javascript(tmp_path)

    assert kept.stat().st_mtime_ns == before


def test_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    assert "vegaEmbed" in vega_javascript(tmp_path / "file")
