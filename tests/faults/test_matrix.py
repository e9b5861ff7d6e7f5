"""The page on faults says what the tests prove, no more and no less."""

from tests.faults.kit import matrix


def test_page_on_faults_has_the_table_of_the_tests() -> None:
    assert matrix.PAGE.read_text() == matrix.page_with(matrix.table()), "`python -m tests.faults.kit.matrix` writes it"
