"""Films the live page for the README: `python -m dashboard.moving_picture http://127.0.0.1:5006/app`.

Orders should come in meanwhile, as by `ecommerce generate --rate 6`.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from dashboard.screenshots import HEADLINE, a_browser, a_page, main

NAME = "dashboard-live.webp"
SECONDS = 15
"""Three ticks."""
FRAME_MS = 250
DEVICE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
WIDTH = 960
"""Of the film, pixels: a README is shown about as wide."""


def film(address: str, folder: Path) -> Iterator[Path]:
    """Film the overview of the dashboard at `address`; yields the file."""
    frames: list[Image.Image] = []
    durations: list[int] = []
    with a_browser() as browser:
        page = a_page(browser, f"{address}?span=24h", HEADLINE, DEVICE)
        last = b""
        for _ in range(SECONDS * 1000 // FRAME_MS):
            picture = page.screenshot()
            if picture == last:
                durations[-1] += FRAME_MS
            else:
                whole = Image.open(io.BytesIO(picture)).convert("RGB")
                frames.append(whole.resize((WIDTH, whole.height * WIDTH // whole.width), Image.Resampling.LANCZOS))
                durations.append(FRAME_MS)
                last = picture
            page.wait_for_timeout(FRAME_MS)
    file = folder / NAME
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=60, method=6)
    yield file


if __name__ == "__main__":
    main("the live page", "http://127.0.0.1:5006/app", film)
