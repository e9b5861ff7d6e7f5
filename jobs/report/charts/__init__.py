"""The charts of a report, as Vega-Lite and Vega specs without data."""
