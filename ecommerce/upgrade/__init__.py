"""Brings the database and the archive of an older version forward: can be killed anywhere and be run again."""

from ecommerce.upgrade.upgrade import UpgradeReport, needs_archive, steps_due, upgrade_database

__all__ = ["UpgradeReport", "needs_archive", "steps_due", "upgrade_database"]
