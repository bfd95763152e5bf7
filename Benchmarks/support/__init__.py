"""What compare.py and growth.py share: processes, the machine, this project's program, the report.

Standard library only.
"""
