"""What shops look like: one small table of parameters a preset, chosen by name."""

from ecommerce.errors import InputError
from ecommerce.generate.presets.b2b import B2B
from ecommerce.generate.presets.grocery import GROCERY
from ecommerce.generate.presets.marketplace import MARKETPLACE
from ecommerce.generate.presets.shape import Preset

PRESETS: dict[str, Preset] = {preset.name: preset for preset in (MARKETPLACE, GROCERY, B2B)}


def get_preset(name: str) -> Preset:
    """The preset of that name. Raises InputError that lists the names there are."""
    if name not in PRESETS:
        raise InputError(f"--preset {name!r}: there is no such preset; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
