"""A video that is made while one looks on: a few frames of it in each frame of the window."""

from __future__ import annotations

from recordings.errors import UnderstudyError
from recordings.reader import Reader
from teleop.app.film import Film, FilmSettings, film_name
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import World


class Filming:
    """At most one film at a time."""

    def __init__(self, world: World, student: StudentVersion | None) -> None:
        self._world, self._student = world, student
        self._film: Film | None = None

    @property
    def is_under_way(self) -> bool:
        return self._film is not None

    @property
    def progress(self) -> str:
        """In words; "" where no film is made."""
        film = self._film
        if film is None:
            return ""
        return f"Filming {film.path.name}: {film.frames_made / max(1, film.frames):.0%}. ESC stops."

    def begin(self, reader: Reader, episode: int) -> None:
        """Film an episode into a new file beside the recording. Raises VideoMissing, OSError."""
        if self._film is None:
            episodes = (episode,)
            out = film_name(reader.path, episodes)
            self._film = Film(reader, self._world, out, FilmSettings(episodes, student=self._student))

    def go_on(self, budget_s: float) -> str:
        """Make frames for about so long; says what came of it once it is over, else ""."""
        film = self._film
        try:
            if film is None or not film.shoot(budget_s):
                return ""
        except (UnderstudyError, OSError) as error:
            self.stop()
            return str(error)
        self._film = None
        return f"Written: {film.path}, {film.seconds:.0f} s."

    def stop(self) -> str:
        """Leave an unfinished film; says so, or "" where there is none."""
        if self._film is None:
            return ""
        self._film.close()
        self._film = None
        return "The video was not finished; nothing of it is kept."
