"""Faults made to happen, and what a memory must still hold after each: `make faults`, or `python -m benchmarks.faults`.

Each module is one kind of fault with a function that takes how many and a seed, and gives a `Figures`;
`tests/test_faults.py` calls the same functions with small numbers. Nothing of this is in the product: kills at a named
point are made by replacing a method inside of the process that is to die.
"""
