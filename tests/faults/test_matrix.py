"""docs/faults.md has the fault matrix as the tests declare it."""

from tests.faults.kit import matrix


def test_page_has_the_matrix_of_the_tests() -> None:
    assert matrix.PAGE.read_text() == matrix.page_with(matrix.table()), "run `python -m tests.faults.kit.matrix`"
