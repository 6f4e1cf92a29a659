"""What the person at this window prefers: read once, put to use, and kept whenever it changes."""

from __future__ import annotations

from teleop.app.gamepad import PAD_KEYS
from teleop.app.window import Window
from teleop.preferences import palettes, settings
from teleop.preferences.look import Look, put_on
from teleop.preferences.settings import Settings, SettingsError


class Preferences:
    """The settings in use in one window."""

    def __init__(self, window: Window) -> None:
        """Reads the settings and puts them to use. Raises nothing: `notice` tells what was wrong with them."""
        self._window = window
        self.settings, self.notice = settings.load()
        self._put_to_use()

    def change(self, chosen: Settings) -> None:
        """Use these settings from now on, and keep them; where that fails, `notice` says so."""
        if chosen == self.settings:
            return
        self.settings, self.notice = chosen, ""
        self._put_to_use()
        try:
            settings.save(chosen)
        except SettingsError as error:
            self.notice = str(error)

    def take_notice(self) -> str:
        """What there is to tell, once."""
        told, self.notice = self.notice, ""
        return told

    def _put_to_use(self) -> None:
        put_on(Look(palettes.find(self.settings.palette), self.settings.text_size))
        self._window.gamepads.keys = {**PAD_KEYS, **self.settings.pad_keys}
