"""The hub's side of providers that hold connections: the worker that has them, how many, and what is heard on them.

`binds` shares an account's connections among the workers, `holding` keeps them in one process, and sends and listens on
them, `worker` starts that in a Celery worker which reads the queue `connector`.
"""
