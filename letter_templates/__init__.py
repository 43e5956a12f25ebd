"""What families read: the words of letters by language, the page they stand on, and the fonts. No logic.

`<language>/<kind>.md.j2` are the words, `<language>/language.toml` the dates and the few words of the page; a school's
own copies in its home replace them one by one. `layout/` is ours and fixed. `fonts/` says where each font is from.
"""
