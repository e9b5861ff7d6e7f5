"""Which changes of the code no test notices: mutmut on the modules that pyproject.toml names, and what is explained."""
