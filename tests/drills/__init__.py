"""Kills, power cuts and soaks: what takes long or the whole machine."""
