"""How sizes are written for people, everywhere: in thousands, as disks and `df -H` count."""

UNITS = ("B", "kB", "MB", "GB", "TB")


def size_text(size_bytes: float) -> str:
    """Bytes in the unit that fits: 512 B, 1.4 GB, 23 MB."""
    size, unit = float(size_bytes), UNITS[0]
    for unit in UNITS:
        if abs(size) < 1000 or unit == UNITS[-1]:
            break
        size /= 1000
    return f"{size:,.1f} {unit}" if abs(size) < 10 and unit != UNITS[0] else f"{size:,.0f} {unit}"
