"""Writes pictures to a file of H.264, which every browser and player shows: the one place that knows PyAV.

The file is written aside and renamed when it is whole, so that a film cut short leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
import pygame

from recordings.errors import UnderstudyError

CODEC = "libx264"
QUALITY = 20
"""x264's constant rate factor: 18 can hardly be told from the picture, 28 is poor."""
PRESET = "veryfast"
KEYFRAME_S = 2.0
"""A player can jump to a picture at least this often."""
BGRA_MASKS = (0xFF0000, 0xFF00, 0xFF, 0)
"""Of a picture whose bytes FFmpeg takes as they are."""
BT709, SRGB, LIMITED = 1, 13, 1
"""Numbers of FFmpeg that tell a player how to turn the colours back."""


def blank_picture(size: tuple[int, int]) -> pygame.Surface:
    """A surface to draw frames of a video on."""
    return pygame.Surface(size, depth=32, masks=BGRA_MASKS)


class VideoMissing(UnderstudyError):
    """The library that encodes videos is not installed, or lacks H.264."""


class VideoWriter:
    """One video; a context manager that puts it in place, or removes it where something went wrong."""

    def __init__(self, path: str | os.PathLike[str], size: tuple[int, int], fps: int) -> None:
        """size: even. Raises VideoMissing, OSError."""
        av = _pyav()
        self.path, self.size, self.fps = Path(path), size, fps
        self.frames = 0
        descriptor, aside = tempfile.mkstemp(
            dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".mp4"
        )
        os.close(descriptor)
        self._aside: Path | None = Path(aside)
        self._frame_of, self._reformat = (
            av.VideoFrame.from_ndarray,
            av.video.reformatter.VideoReformatter().reformat,
        )
        try:
            self._container = av.open(aside, "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._add_stream(av)
        except BaseException:
            self.discard()
            raise

    def _add_stream(self, av: ModuleType) -> Any:
        try:
            stream = self._container.add_stream(CODEC, rate=self.fps)
        except av.FFmpegError as error:
            raise VideoMissing(
                f"{self.path}: the installed PyAV has no encoder for H.264 ({CODEC}: {error}). The wheels that pip "
                'installs have it: `pip install --force-reinstall "understudy[video]"`.'
            ) from error
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_primaries = BT709, BT709
        context.color_trc, context.color_range = SRGB, LIMITED
        stream.options = {"preset": PRESET, "crf": str(QUALITY), "g": str(round(KEYFRAME_S * self.fps))}
        return stream

    @property
    def seconds(self) -> float:
        """How long the video is by now."""
        return self.frames / self.fps

    def add(self, picture: pygame.Surface) -> None:
        """The next frame: a `blank_picture` of the video's size, drawn upon."""
        width, height = self.size
        pixels = pygame.surfarray.pixels2d(picture).T.view(np.uint8).reshape(height, width, 4)
        drawn = self._frame_of(pixels, format="bgra")
        frame = self._reformat(drawn, format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self.frames, Fraction(1, self.fps)
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def finish(self) -> None:
        """Complete the file and give it its name."""
        if self._aside is None:
            return
        self._container.mux(self._stream.encode(None))
        self._container.close()
        os.chmod(self._aside, 0o666 & ~_umask())
        os.replace(self._aside, self.path)
        self._aside = None

    def discard(self) -> None:
        """Leave nothing behind, unless the video is finished."""
        if self._aside is None:
            return
        container = getattr(self, "_container", None)
        if container is not None:
            with contextlib.suppress(
                Exception
            ):  # a container that cannot be completed is thrown away all the same
                container.close()
        self._aside.unlink(missing_ok=True)
        self._aside = None

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.discard()


def _pyav() -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise VideoMissing(
            "video: expected PyAV, which encodes H.264, found it not installed. "
            'Install it with `pip install "understudy[video]"` (or `pip install av`).'
        ) from error
    return av


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
