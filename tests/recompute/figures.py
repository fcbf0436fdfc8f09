"""Shares, medians and means with their 95 % intervals, exact where the definition is: a share is of integers, a mean is of fractions."""

import math
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction
from functools import cache

getcontext().prec = 50

# The normal distribution's 97.5 % quantile.
Z = Decimal("1.959963984540054")

# value, met, n, band, provisional, low, high, method, left out
NOTHING = (None, None, 0, "not_measurable", False, None, None, None, 0)


def hundredths(number):
    """Rounded once, half away from zero."""
    if isinstance(number, Fraction):
        doubled = abs(number) * 200
        whole = Decimal((doubled.numerator // doubled.denominator + 1) // 2) / 100
        return whole if number >= 0 else -whole
    return number.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def at_least(target):
    return lambda met, n: 100 * met >= target * n


def under(target):
    return lambda met, n: 100 * met < target * n


def rate(met, n, good, provisional=False, floor=None, left_out=0):
    """A share in percent with Wilson's interval. `good` judges the exact counts; None = there is no target."""
    if n == 0:
        return (*NOTHING[:4], provisional, None, None, None, left_out)
    band = "not_measurable" if good is None else "on_target" if good(met, n) else "below"
    if floor is not None and 100 * met < floor * n:
        band = "aspirational"
    return hundredths(Fraction(100 * met, n)), met, n, band, provisional, *wilson(met, n), "wilson", left_out


def wilson(met, n):
    share, count, square = Decimal(met) / n, Decimal(n), Z * Z
    centre = share + square / (2 * count)
    half = Z * (share * (1 - share) / count + square / (4 * count * count)).sqrt()
    low, high = ((centre + sign * half) / (1 + square / count) for sign in (-1, 1))
    return hundredths(100 * low if met else Decimal(0)), hundredths(100 * high if met < n else Decimal(100))


def median(spans, left_out):
    """Of milliseconds, in hours, between order statistics."""
    spans, n = sorted(spans), len(spans)
    if n == 0:
        return (*NOTHING[:8], left_out)
    seconds, first = middle(spans), int((n - Z * Decimal(n).sqrt()) // 2)
    band = "on_target" if seconds < 48 * 3600 else "below"
    ends = (hours(rank(spans, first)), hours(rank(spans, n + 1 - first)), "order_statistics") if first > 0 else (None,) * 3
    return hours(seconds), None, n, band, False, *ends, left_out


def middle(spans):
    """Seconds: a thousandth of the mean of the two middle milliseconds."""
    return Decimal(spans[(len(spans) - 1) // 2] + spans[len(spans) // 2]) / 2000 if spans else None


def rank(spans, number):
    return Decimal(spans[number - 1]) / 1000 if spans else None


def hours(seconds):
    return None if seconds is None else hundredths(seconds / 3600)


def mean(values, provisional, left_out):
    """Of fractions, held against 0, with the interval of Student's t from five values on."""
    n = len(values)
    if n == 0:
        return (*NOTHING[:4], provisional, None, None, None, left_out)
    exact = sum(values, Fraction(0)) / n
    ends = (None,) * 3
    if n >= 5:
        variance = sum(((value - exact) ** 2 for value in values), Fraction(0)) / (n - 1)
        error = variance / n
        spread = Decimal(student(n - 1)) * (Decimal(error.numerator) / error.denominator).sqrt()
        centre = Decimal(exact.numerator) / exact.denominator
        ends = (hundredths(centre - spread), hundredths(centre + spread), "student_t")
    band = "on_target" if exact >= 0 else "below"
    return hundredths(exact), None, n, band, provisional, *ends, left_out


@cache
def student(freedom):
    """The t that 95 % of Student's distribution lies within: Simpson's rule over its density, and Newton's method."""
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def density(x):
        return constant * math.exp(-(freedom + 1) / 2 * math.log1p(x * x / freedom))

    def half(t, steps=2_000):
        width = t / steps
        inner = (density(width * step) * (4 if step % 2 else 2) for step in range(1, steps))
        return (density(0) + density(t) + math.fsum(inner)) * width / 3

    t = float(Z)
    for _ in range(100):
        change = (0.475 - half(t)) / density(t)
        t += change
        if abs(change) < 1e-13:
            break
    return t


def plain(value, n):
    """What is merely counted or added up."""
    return value, None, n, None, False, None, None, None, None
