"""Large memories out of real text, for measuring how cost grows: `python -m benchmarks.large`.

pool      the sentences of a memory that was really ingested, with their embeddings
documents documents recombined from them, no two alike
__main__  the command
"""
