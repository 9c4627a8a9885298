"""A firm to try the product with: invented customers, two years of ledger, months of follow-up."""

from dunning.demo.make import Made, is_here, make, refresh

__all__ = ["Made", "is_here", "make", "refresh"]
