"""Short links: where they lead, what stands in a text for them, who followed them."""
