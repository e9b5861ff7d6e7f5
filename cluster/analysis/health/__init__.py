"""What is wrong, or worth knowing, about a study: checks that each say in one sentence what to change."""
