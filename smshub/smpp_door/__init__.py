"""The SMPP door: systems that speak SMPP 3.4 bind to the hub as they would to an operator, and submit.

`door` is the server and `session` one connection. What is submitted goes through `reading` (what it means), `gather`
(many in one transaction) and `intake` (that transaction); receipts and incoming texts go back through `telling`.
`logins` knows who may bind. The rules about messages themselves are those of `delivery.submit`, as for the API.
"""
