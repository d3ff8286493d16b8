"""The Twilio-compatible door: applications of Twilio's SDKs send by the hub, with its credentials and its address.

`views` takes requests, `creating`, `listing` and `changing` do what they ask, `resource` is how a message looks there.
`telling` posts what became of messages, and what people wrote, to the application. What is compatible with what, and
what differs, stands in docs/twilio-door.md.
"""
