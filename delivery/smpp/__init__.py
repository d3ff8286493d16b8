"""SMPP 3.4, both roles, as pure protocol: bytes and asyncio, no Django and nothing else of the product.

`pdu` is the codec and `link` one TCP connection of either side; `text`, `reassembly` and `receipts` are what stands in
the messages. Sections are those of the SMPP Protocol Specification v3.4, issue 1.2.
"""
