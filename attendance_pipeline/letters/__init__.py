"""Letters: who gets one, what it says, how it looks on paper, and what became of it.

Belongs here: everything about a letter from the decision that one is owed to the file that is printed. Does not belong
here: the decision itself (`derive`), the words (`letter_templates/`), and writing to the drive (`delivery`).
"""
