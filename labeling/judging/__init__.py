"""How a judge is asked and how its replies are read. Pure: standard library only.

rubrics.py    the ready rubrics
template.py   what the judge reads, and the JSON schema of its reply
reading.py    a reply's text to a judgement
outcome.py    the judgements of one pair to one outcome
"""
