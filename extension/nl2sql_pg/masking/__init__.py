"""Finds what is personal in free text and masks it. Pure functions; each kind of finding has a module of its own.

Written for millions of rows: patterns are compiled once, and most texts are left after one look (free_text.py).
"""
