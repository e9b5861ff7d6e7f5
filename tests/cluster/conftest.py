"""What Ray reads from the environment once, at its import: the tests' own token, and no cluster of the user's."""

import os
import secrets

os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32), RAY_USAGE_STATS_ENABLED="0")
os.environ.pop("RAY_ADDRESS", None)
