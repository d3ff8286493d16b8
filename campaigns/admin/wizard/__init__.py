"""A campaign written in steps: each is a form that saves itself, and the last one sends it on its way."""
