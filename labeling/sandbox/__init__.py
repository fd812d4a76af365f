"""What the sandbox answers: a small offline stand-in for a model, so that anyone can try everything without a key.

samples.py    the texts of the sample project, and which of two is better
words.py      what a prompt is about and what it asks for in form
replies.py    assistant text from phrases.toml, or from the sample project's completions
schema.py     a value for any JSON schema
judge.py      which of two replies is better, as a judge's reply
request.py    a request, checked as OpenAI checks it
chat.py       the answer to it, in OpenAI's form
batches.py    files of requests, worked through as a Batch API does

Pure: standard library only, no network, no database. `labeling/web/sandbox.py` serves it.
"""
