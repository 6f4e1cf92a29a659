"""Key maps of gymnasium's worlds, one TOML file a world; `teleop.worlds.key_map` says what is in one."""
