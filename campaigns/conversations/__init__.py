"""What people write back: joined to what they were sent, answered by rule, and else shown to staff."""
