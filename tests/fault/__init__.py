"""Faults that real trainings meet, by a seeded schedule: `make fault` runs all, `test_fault.py` a part.

injection.py   what goes wrong inside a process, at a call that changes files
process.py     processes that run one command of monge
training.py    the trainings, what they end with undisturbed, and a run that is disturbed
kill.py, damage.py, outside.py   the kinds of faults
page.py        the table
"""
