"""The commands of `attendance`, one module per command or family of commands.

Belongs here: what a command may be told, the call that does it, and printing what came of it. Not here: deciding
anything, and what all commands share (`cli.py` parses and catches errors, `telling.py` has exit codes and small words).

A module has one function, `add(commands)`, which adds its parser by `telling.Commands.add`; `cli.FAMILIES` names the
modules in the order of the help page. Whatever is heavy is imported inside the call, so that every other command starts
at once.
"""
