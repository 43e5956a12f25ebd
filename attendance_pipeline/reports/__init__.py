"""What people look at: worklists, class lists, the governor report, and what it takes to say figures safely.

Belongs here: turning derived results into files of bytes. Not here: rules (`derive/`), PDF (`letters/pdf.py`),
workbooks (`spreadsheets.py`), and writing to the drive (`delivery.py`).
"""
