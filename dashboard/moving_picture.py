"""Films the live page for the README: `python -m dashboard.moving_picture http://127.0.0.1:5006/app`.

Orders should come in meanwhile, as by `ecommerce generate --live --rate 5`.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from dashboard.screenshots import WAIT_MS, a_browser, main

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
        page = browser.new_page(**DEVICE)
        page.goto(f"{address}?span=24h", timeout=WAIT_MS)
        page.locator(".as-of").filter(has_text="As of").wait_for(state="attached", timeout=WAIT_MS)
        page.locator("#first-paint").wait_for(state="detached", timeout=WAIT_MS)
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
