"""The carrier's SMPP face: a short message service centre of SMPP 3.4, with the same ledger and the same dice.

The codec is the product's (`delivery.smpp.pdu`), held to by clients that are not ours; what stands in the messages
(alphabets, parts, receipts) is worked out anew here, so that the two can contradict each other.
"""
