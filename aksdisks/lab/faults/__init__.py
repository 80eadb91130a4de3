"""Fault injection: the faults that are on, and a module for each place where they take effect.

What a fault disturbs knows no faults. It asks a class whose name ends in `Injection`, which changes nothing; the class
here that takes its place ends in `Faults`. `is_on` is asked of a fault that lasts, `occurs` of one that happens as
often as its rate says.
"""
