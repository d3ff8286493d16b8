"""Who did what, when and from where: a trail that only grows."""
