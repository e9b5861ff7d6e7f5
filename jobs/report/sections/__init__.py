"""The sections of a report, from top to bottom: each file turns a study into what one template shows."""
