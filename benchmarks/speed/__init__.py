"""What ingest, questions, starting and upkeep cost, each beside the bare floor, measured in the same run.

rows      a measurement with its interval and its floor; the table as Markdown and JSON
clock     timing: in process, by process, and two things alternately
floors    the bare libraries: sentence-transformers, Chroma, Flask
server    a `lessons serve` of its own, asked over HTTP
ingest    the part `ingest`: first, again, one changed file
start     the part `start`: help, a cold question
lookup    the part `lookup`: warm questions, eight clients, the page
answer    by itself: what an answer takes of the processor
during    the part `during`: questions while files are read
upkeep    the parts `recovery` and `churn`: starts, rebuild, disk
peers     the part `peers`: other ways to answer
growth    the part `growth`, and its plot
"""
