"""How an attempt leaves the house: one small interface per channel."""
