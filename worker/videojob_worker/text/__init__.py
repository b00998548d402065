"""Text in the picture: titles by Pango and Cairo, subtitles by libass, and the fonts that both draw with.

The system's libraries are loaded when a spec first has text (`libraries.py`).
"""
