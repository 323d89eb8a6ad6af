"""Configuration: typed settings from defaults, one TOML file, the environment and flags, every value bounded."""
